output "protections" {
  value       = { for name, protection in aws_shield_protection.this : name => protection.id }
  description = "Protections by name."
}
