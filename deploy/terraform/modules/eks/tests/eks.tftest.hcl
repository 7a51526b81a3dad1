mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name                    = "house"
  subnets                 = ["subnet-00000000000000011", "subnet-00000000000000012"]
  secrets_key_arn         = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  disks_key_arn           = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000002"
  logs_key_arn            = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000003"
  balancer_security_group = "sg-00000000000000001"
}

run "money_is_on_demand_and_pages_on_spot" {
  command = plan
  assert {
    condition = alltrue([
      aws_eks_node_group.this["money"].capacity_type == "ON_DEMAND",
      aws_eks_node_group.this["web"].capacity_type == "SPOT",
    ])
    error_message = "a bet would be taken where a node goes with two minutes' notice"
  }
  assert {
    condition = alltrue([
      length(aws_eks_node_group.this["web"].taint) == 1,
      length(aws_eks_node_group.this["money"].taint) == 0,
    ])
    error_message = "what does not say that it may be there gets onto spot"
  }
}

run "the_api_is_within_the_network" {
  command = plan
  assert {
    condition = alltrue([
      aws_eks_cluster.this.vpc_config[0].endpoint_public_access == false,
      aws_eks_cluster.this.access_config[0].authentication_mode == "API",
    ])
    error_message = "the API is public, or rights come from elsewhere than access entries"
  }
}

run "nobody_opens_the_api_to_all" {
  command = plan
  variables {
    api_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [aws_eks_cluster.this]
}

run "rights_of_one_namespace" {
  command = plan
  variables {
    access = {
      "arn:aws:iam::111122223333:role/operators" = {
        policy     = "AmazonEKSAdminPolicy"
        namespaces = ["house"]
      }
      "arn:aws:iam::111122223333:role/auditors" = { policy = "AmazonEKSViewPolicy" }
    }
  }
  assert {
    condition = alltrue([
      aws_eks_access_policy_association.this["arn:aws:iam::111122223333:role/operators"].access_scope[0].type == "namespace",
      aws_eks_access_policy_association.this["arn:aws:iam::111122223333:role/auditors"].access_scope[0].type == "cluster",
    ])
    error_message = "a namespace's admin is admin of all"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
