# Not run, as main.tf. What an edge node's machine starts with: deploy/edge/cloud-init.yaml, the
# same as modules/edge-node has on AWS, where it was planned and its scripts were run.
locals {
  edge_box = "${path.module}/../../../edge/box"
  edge_conf = var.edge == null ? "" : join("", [
    for key, value in {
      IMAGE     = var.edge.image
      IMAGE_SUM = var.edge.image_sum
      DOMAIN    = var.edge.hostname
      EMAIL     = var.edge.email
      COUNTRIES = var.edge.countries
      LEAVE_S   = "90"
    } : "${key}='${replace(value, "'", "'\\''")}'\n"
  ])
  edge_policy = var.edge == null ? "" : jsonencode(merge(
    var.edge.policy,
    {
      node = merge(
        try(var.edge.policy.node, {}),
        {
          listen      = "0.0.0.0"
          port        = 443
          certificate = "/run/overround-edge/tls.pem"
          run         = "/run/overround-edge"
          cache       = "/var/cache/overround-edge"
        },
        var.edge.countries == "" ? {} : { geoip = "/var/lib/overround-edge/country.mmdb" },
      )
    },
  ))
  edge_user_data = templatefile("${path.module}/../../../edge/cloud-init.yaml", {
    policy            = base64encode(local.edge_policy)
    conf              = base64encode(local.edge_conf)
    secret            = base64encode(var.edge_secret)
    edge_sh           = base64gzip(file("${local.edge_box}/edge.sh"))
    aws_sh            = base64gzip("")
    node_service      = filebase64("${local.edge_box}/overround-edge.service")
    countries_service = filebase64("${local.edge_box}/overround-edge-countries.service")
    countries_timer   = filebase64("${local.edge_box}/overround-edge-countries.timer")
    nftables          = filebase64("${local.edge_box}/nftables.conf")
  })
}
