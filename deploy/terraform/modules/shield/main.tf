resource "aws_shield_protection" "this" {
  for_each = { for name, arn in var.resources : name => arn if var.enabled }

  name         = each.key
  resource_arn = each.value
}

resource "aws_shield_proactive_engagement" "this" {
  count = var.enabled && length(var.emergency_emails) > 0 ? 1 : 0

  enabled = true

  dynamic "emergency_contact" {
    for_each = var.emergency_emails
    content {
      email_address = emergency_contact.value
    }
  }
}
