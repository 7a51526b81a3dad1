# What AWS would answer, for `terraform test`: values that other resources take as ARNs.
# Terraform leaves them unknown in a plan, OpenTofu has them there already.

mock_resource "aws_acm_certificate" {
  defaults = {
    domain_validation_options = [
      {
        domain_name           = "bets.example"
        resource_record_name  = "_a.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_a.acm.example."
      },
      {
        domain_name           = "www.bets.example"
        resource_record_name  = "_a.www.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_a.acm.example."
      },
      {
        domain_name           = "origin.bets.example"
        resource_record_name  = "_a.origin.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_a.acm.example."
      },
      {
        domain_name           = "direct.bets.example"
        resource_record_name  = "_a.direct.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_a.acm.example."
      },
      {
        domain_name           = "desk.bets.example"
        resource_record_name  = "_a.desk.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_a.acm.example."
      },
      {
        domain_name           = "desk-2.bets.example"
        resource_record_name  = "_a.desk-2.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_a.acm.example."
      },
      {
        domain_name           = "origin-1.bets.example"
        resource_record_name  = "_a.origin-1.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_a.acm.example."
      },
      {
        domain_name           = "origin-2.bets.example"
        resource_record_name  = "_a.origin-2.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_a.acm.example."
      },
    ]
    arn = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000001"
  }
}

mock_resource "aws_autoscaling_group" {
  defaults = {
    arn = "arn:aws:autoscaling:eu-central-1:111122223333:autoScalingGroup:00000000-0000-0000-0000-000000000001:autoScalingGroupName/mock"
  }
}

mock_resource "aws_ce_anomaly_monitor" {
  defaults = {
    arn = "arn:aws:ce::111122223333:anomalymonitor/00000000-0000-0000-0000-000000000001"
  }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = {
    arn = "arn:aws:cloudfront::111122223333:distribution/MOCK"
  }
}

mock_resource "aws_cloudfront_function" {
  defaults = {
    arn = "arn:aws:cloudfront::111122223333:function/mock"
  }
}

mock_resource "aws_cloudfront_key_value_store" {
  defaults = {
    arn = "arn:aws:cloudfront::111122223333:key-value-store/00000000-0000-0000-0000-000000000001"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-central-1:111122223333:log-group:mock"
  }
}

mock_resource "aws_db_instance" {
  defaults = {
    arn = "arn:aws:rds:eu-central-1:111122223333:db:mock"
  }
}

mock_resource "aws_ecr_repository" {
  defaults = {
    arn = "arn:aws:ecr:eu-central-1:111122223333:repository/mock"
  }
}

mock_resource "aws_eip" {
  defaults = {
    public_ip = "192.0.2.1"
  }
}

mock_resource "aws_eks_cluster" {
  defaults = {
    arn                   = "arn:aws:eks:eu-central-1:111122223333:cluster/mock"
    certificate_authority = [{ data = "bW9jaw==" }]
    identity              = [{ oidc = [{ issuer = "https://oidc.example/mock" }] }]
  }
}

mock_resource "aws_iam_instance_profile" {
  defaults = {
    arn = "arn:aws:iam::111122223333:instance-profile/mock"
  }
}

mock_resource "aws_iam_openid_connect_provider" {
  defaults = {
    arn = "arn:aws:iam::111122223333:oidc-provider/mock"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::111122223333:role/mock"
  }
}

mock_resource "aws_iam_user" {
  defaults = {
    arn = "arn:aws:iam::111122223333:user/mock"
  }
}

mock_resource "aws_kms_key" {
  defaults = {
    arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  }
}

mock_resource "aws_launch_template" {
  defaults = {
    arn = "arn:aws:ec2:eu-central-1:111122223333:launch-template/lt-00000000000000001"
    id  = "lt-00000000000000001"
  }
}

mock_resource "aws_lb" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/mock/1"
    arn_suffix = "app/mock/1"
  }
}

mock_resource "aws_lb_listener" {
  defaults = {
    arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/app/mock/1/1"
  }
}

mock_resource "aws_lb_target_group" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/mock/1"
    arn_suffix = "targetgroup/mock/1"
  }
}

mock_resource "aws_msk_cluster" {
  defaults = {
    arn = "arn:aws:kafka:eu-central-1:111122223333:cluster/mock/00000000-0000-0000-0000-000000000001-1"
  }
}

mock_resource "aws_msk_configuration" {
  defaults = {
    arn = "arn:aws:kafka:eu-central-1:111122223333:configuration/mock/00000000-0000-0000-0000-000000000001-1"
  }
}

mock_resource "aws_rds_cluster" {
  defaults = {
    arn = "arn:aws:rds:eu-central-1:111122223333:cluster:mock"
  }
}

mock_resource "aws_rds_global_cluster" {
  defaults = {
    arn = "arn:aws:rds::111122223333:global-cluster:mock"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    arn = "arn:aws:s3:::mock"
  }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = {
    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:mock"
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:eu-central-1:111122223333:mock"
  }
}

mock_resource "aws_vpc_endpoint" {
  defaults = {
    dns_entry = [{ dns_name = "endpoint.example", hosted_zone_id = "Z0000000000000" }]
  }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = {
    arn = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/mock/00000000-0000-0000-0000-000000000001"
  }
}
