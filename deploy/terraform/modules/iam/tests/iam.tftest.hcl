mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name         = "house"
  cluster_name = "house"
  identities = {
    secrets = { namespace = "external-secrets", service_account = "external-secrets", statements = [
      {
        actions   = ["secretsmanager:GetSecretValue"]
        resources = ["arn:aws:secretsmanager:eu-central-1:111122223333:secret:house/*"]
      },
    ] }
  }
}

run "a_role_is_one_service_accounts" {
  command = plan
  assert {
    condition = alltrue([
      aws_eks_pod_identity_association.this["secrets"].service_account == "external-secrets",
      strcontains(aws_iam_role.this["secrets"].assume_role_policy, "pods.eks.amazonaws.com"),
    ])
    error_message = "Pod Identity is the default"
  }
  assert {
    condition     = length(aws_iam_user.archive) == 0
    error_message = "no user unless it is asked for"
  }
}

run "irsa_names_the_service_account" {
  command = plan
  variables {
    oidc_arn    = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC"
    oidc_issuer = "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC"
    identities = {
      old = {
        namespace       = "house"
        service_account = "old"
        irsa            = true
        statements      = [{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::house/*"] }]
      }
    }
  }
  assert {
    condition = alltrue([
      jsondecode(
        aws_iam_role.this["old"].assume_role_policy
      ).Statement[0].Condition.StringEquals["oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub"] == "system:serviceaccount:house:old",
      length(aws_eks_pod_identity_association.this) == 0,
    ])
    error_message = "any pod could take the role"
  }
}

run "irsa_without_a_provider" {
  command = plan
  variables {
    identities = {
      old = { namespace = "house", service_account = "old", irsa = true, statements = [] }
    }
  }
  expect_failures = [aws_iam_role.this]
}

run "nobody_may_do_everything" {
  command = plan
  variables {
    identities = {
      all = {
        namespace       = "house"
        service_account = "all"
        statements      = [{ actions = ["*"], resources = ["*"] }]
      }
    }
  }
  expect_failures = [aws_iam_role.this]
}

run "the_archive_cannot_delete" {
  command = plan
  variables {
    archive_user = {
      bucket_arn = "arn:aws:s3:::house-books"
      key_arn    = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
    }
  }
  assert {
    condition     = !strcontains(aws_iam_user_policy.archive[0].policy, "Delete")
    error_message = "a stolen key could delete the books"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
