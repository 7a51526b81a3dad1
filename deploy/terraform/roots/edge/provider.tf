locals {
  tags = { House = var.name, Environment = var.environment, Owner = var.owner }
}

# Names, and nodes in Frankfurt.
provider "aws" {
  region = "eu-central-1"
  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias  = "eu-south-1"
  region = "eu-south-1"
  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias  = "sa-east-1"
  region = "sa-east-1"
  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias  = "ap-southeast-1"
  region = "ap-southeast-1"
  default_tags {
    tags = local.tags
  }
}
