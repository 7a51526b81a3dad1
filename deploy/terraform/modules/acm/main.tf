locals {
  domains = concat([var.domain], var.names)
}

resource "aws_acm_certificate" "this" {
  domain_name               = var.domain
  subject_alternative_names = var.names
  validation_method         = "DNS"
  key_algorithm             = "EC_prime256v1"
  tags                      = { Name = var.domain }

  lifecycle {
    create_before_destroy = true
  }
}

# The keys are the names, which are known before the certificate is.
resource "aws_route53_record" "proof" {
  for_each = toset(local.domains)

  zone_id = var.zone_id
  name = one([
    for o in aws_acm_certificate.this.domain_validation_options :
    o.resource_record_name
    if o.domain_name == each.key
  ])
  type = one([
    for o in aws_acm_certificate.this.domain_validation_options :
    o.resource_record_type
    if o.domain_name == each.key
  ])
  records = [
    one([
      for o in aws_acm_certificate.this.domain_validation_options :
      o.resource_record_value
      if o.domain_name == each.key
    ]),
  ]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [for record in aws_route53_record.proof : record.fqdn]
}
