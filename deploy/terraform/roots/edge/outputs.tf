output "addresses" {
  value = {
    for name, node in merge(module.eu_central_1, module.eu_south_1, module.sa_east_1, module.ap_southeast_1) :
    name => node.address
  }
  description = "Each node's address, for the firewalls of the origins."
}
