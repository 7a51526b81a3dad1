output "budget" {
  value       = aws_budgets_budget.month.name
  description = "The budget's name."
}
