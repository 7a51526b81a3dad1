# What AWS would answer, for `terraform test`: values that other resources take as ARNs.
