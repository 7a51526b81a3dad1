output "page_topic" {
  value       = aws_sns_topic.this["page"].arn
  description = "Wakes somebody."
}

output "ticket_topic" {
  value       = aws_sns_topic.this["ticket"].arn
  description = "For the next working day."
}

output "paragraphs" {
  value       = distinct([for alarm in local.alarms : alarm.paragraph])
  description = "The paragraphs of the runbook to which the alarms link."
}
