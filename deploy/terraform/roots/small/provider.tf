provider "aws" {
  region = var.region
  default_tags {
    tags = { House = var.name, Environment = var.environment, Owner = var.owner }
  }
}
