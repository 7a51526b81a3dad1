provider "aws" {
  region = var.regions.first
  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias  = "second"
  region = var.regions.second
  default_tags {
    tags = local.tags
  }
}

# Certificates and the firewall of CloudFront.
provider "aws" {
  alias  = "edge"
  region = "us-east-1"
  default_tags {
    tags = local.tags
  }
}

locals {
  tags = { House = var.name, Environment = var.environment, Owner = var.owner }
}
