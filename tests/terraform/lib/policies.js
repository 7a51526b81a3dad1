// What holds for whatever is made in an account.  Each policy takes the resources of a
// plan (lib/plan.js) and gives the faults as words: address and what is wrong.  What is
// excepted has its reason beside it.
'use strict';

const zlib = require('node:zlib');

const of = (all, ...types) => all.filter((r) => types.includes(r.type));
const fault = (r, what) => `${r.address}: ${what}`;
const edge = (r) => r.values.tags?.Edge === 'true';

// ---- nothing is public but the edge --------------------------------------------

const world = (cidr) => cidr === '0.0.0.0/0' || cidr === '::/0';

// Rules of their own, whose group is not known in a plan: the module that holds both has
// one group with the tag Edge, or none.
const home = (r) => r.address.slice(0, r.address.lastIndexOf(`${r.type}.`));

function edgeModules(all) {
  return new Set(of(all, 'aws_security_group').filter(edge)
    .map((r) => home(r)));
}

function openRules(all) {
  const modules = edgeModules(all);
  return of(all, 'aws_vpc_security_group_ingress_rule')
    .filter((r) => world(r.values.cidr_ipv4) || world(r.values.cidr_ipv6))
    .filter((r) => !modules.has(home(r)) || ![80, 443].includes(r.values.from_port) ||
      r.values.from_port !== r.values.to_port)
    .map((r) => fault(r, `open to the world on ${r.values.from_port}-${r.values.to_port}`));
}

function openGroups(all) {
  return of(all, 'aws_security_group', 'aws_default_security_group')
    .flatMap((r) => (r.values.ingress ?? []).map((rule) => [r, rule]))
    .filter(([r, rule]) => [...(rule.cidr_blocks ?? []), ...(rule.ipv6_cidr_blocks ?? [])]
      .some(world) && !edge(r))
    .map(([r]) => fault(r, 'open to the world'));
}

const publicFlags = [
  ['aws_lb', (v, r) => v.internal !== true && !edge(r), 'a public load balancer without Edge'],
  ['aws_db_instance', (v) => v.publicly_accessible, 'publicly accessible'],
  ['aws_rds_cluster_instance', (v) => v.publicly_accessible, 'publicly accessible'],
  ['aws_subnet', (v) => v.map_public_ip_on_launch, 'gives public addresses away'],
  ['aws_instance', (v) => v.associate_public_ip_address === true, 'a public address'],
  ['aws_launch_template', (v) => (v.network_interfaces ?? [])
    .some((n) => n.associate_public_ip_address === 'true'), 'a public address'],
  ['aws_eks_cluster', (v) => v.vpc_config[0].endpoint_public_access !== false &&
    !(v.vpc_config[0].public_access_cidrs?.length > 0 &&
      !v.vpc_config[0].public_access_cidrs.some(world)), 'its API is open to the world'],
  ['aws_msk_cluster', (v) => v.broker_node_group_info[0].connectivity_info?.[0]
    ?.public_access?.[0]?.type !== 'DISABLED', 'brokers in public'],
];

function closedBuckets(all) {
  const blocks = of(all, 'aws_s3_bucket_public_access_block').filter((r) =>
    ['block_public_acls', 'block_public_policy', 'ignore_public_acls', 'restrict_public_buckets']
      .every((name) => r.values[name] === true));
  return eachBucket(all, blocks, 'aws_s3_bucket_public_access_block', 'may become public');
}

// A bucket's settings stand beside it, under the same module.
function eachBucket(all, settings, type, what) {
  const homes = settings.map((r) => r.address.split(`${type}.`)[0]);
  return of(all, 'aws_s3_bucket')
    .filter((r) => !homes.includes(r.address.split('aws_s3_bucket.')[0]))
    .map((r) => fault(r, what));
}

function nothingPublic(all) {
  const flags = publicFlags.flatMap(([type, bad, what]) =>
    of(all, type).filter((r) => bad(r.values, r)).map((r) => fault(r, what)));
  return [...openRules(all), ...openGroups(all), ...flags, ...closedBuckets(all)];
}

// ---- everything is encrypted ----------------------------------------------------

const known = (r, name) => r.values[name] || r.unknown[name] === true;
const old = (policy) => !/TLS13|TLS-1-2/.test(policy ?? '');

const encryption = [
  ['aws_db_instance', (r) => r.values.storage_encrypted === true],
  ['aws_rds_cluster', (r) => r.values.storage_encrypted === true],
  ['aws_rds_global_cluster', (r) => r.values.storage_encrypted === true],
  ['aws_ebs_volume', (r) => r.values.encrypted === true],
  ['aws_launch_template', (r) => (r.values.block_device_mappings ?? []).length > 0 &&
    r.values.block_device_mappings.every((d) => d.ebs?.[0]?.encrypted === 'true')],
  ['aws_sns_topic', (r) => known(r, 'kms_master_key_id')],
  ['aws_secretsmanager_secret', (r) => known(r, 'kms_key_id')],
  ['aws_kms_key', (r) => r.values.enable_key_rotation === true],
  ['aws_eks_cluster', (r) => r.values.encryption_config?.[0]?.resources?.includes('secrets')],
  ['aws_ecr_repository', (r) => (r.values.encryption_configuration ?? []).length === 1],
  ['aws_msk_cluster', (r) => {
    const [info] = r.values.encryption_info ?? [{}];
    const [transit] = info.encryption_in_transit ?? [{}];
    return transit.client_broker === 'TLS' && transit.in_cluster !== false &&
      (info.encryption_at_rest_kms_key_arn || r.unknown.encryption_info?.[0]);
  }],
  ['aws_lb_listener', (r) => r.values.protocol === 'TCP' ||
    (['HTTPS', 'TLS'].includes(r.values.protocol) && !old(r.values.ssl_policy))],
  ['aws_cloudfront_distribution', (r) => [...r.values.default_cache_behavior,
    ...r.values.ordered_cache_behavior].every((b) => b.viewer_protocol_policy !== 'allow-all') &&
    r.values.viewer_certificate[0].minimum_protocol_version === 'TLSv1.2_2021' &&
    r.values.origin.every((o) => (o.custom_origin_config ?? []).every((c) =>
      c.origin_protocol_policy === 'https-only'))],
  ['aws_db_parameter_group', (r) => !r.values.family?.startsWith('postgres') || forcesTls(r)],
  ['aws_rds_cluster_parameter_group', forcesTls],
  ['aws_instance', (r) => (r.values.launch_template ?? []).length === 1 ||
    r.values.root_block_device?.[0]?.encrypted === true],
];

function forcesTls(r) {
  return (r.values.parameter ?? []).some((p) => p.name === 'rds.force_ssl' && p.value === '1');
}

// A TCP listener ends no TLS: it must lead to a balancer that does.
function tcpListeners(all) {
  const inner = of(all, 'aws_lb_target_group').filter((r) => r.values.target_type === 'alb');
  return of(all, 'aws_lb_listener').filter((r) => r.values.protocol === 'TCP')
    .filter((r) => !inner.some((g) =>
      g.address.split('aws_lb_target_group')[0] === r.address.split('aws_lb_listener')[0]))
    .map((r) => fault(r, 'TCP that leads to no TLS'));
}

function everythingEncrypted(all) {
  const direct = encryption.flatMap(([type, good]) =>
    of(all, type).filter((r) => !good(r)).map((r) => fault(r, 'not encrypted')));
  const sse = 'aws_s3_bucket_server_side_encryption_configuration';
  const policies = of(all, 'aws_s3_bucket_policy').filter((r) =>
    r.unknown.policy === true || /aws:SecureTransport/.test(r.values.policy));
  return [...direct, ...tcpListeners(all),
    ...eachBucket(all, of(all, sse), sse, 'not encrypted'),
    ...eachBucket(all, policies, 'aws_s3_bucket_policy', 'read without TLS')];
}

// Instances' credentials are not had by a request that a server is tricked into.
function metadata(all) {
  return of(all, 'aws_launch_template')
    .filter((r) => r.values.metadata_options?.[0]?.http_tokens !== 'required' ||
      r.values.metadata_options[0].http_put_response_hop_limit !== 1)
    .map((r) => fault(r, 'metadata without a token'));
}

// ---- no star ----------------------------------------------------------------------

// Calls that AWS lets nobody limit to a resource, and what each is for here.
const withoutResource = new Map([
  ['ecr:GetAuthorizationToken', 'the registry\'s password is of the account'],
  ['elasticloadbalancing:DescribeTargetGroups', 'reading'],
  ['elasticloadbalancing:DescribeTargetHealth', 'reading'],
  ['autoscaling:DescribeAutoScalingGroups', 'reading'],
  ['autoscaling:DescribeAutoScalingInstances', 'reading'],
  ['autoscaling:DescribeLaunchConfigurations', 'reading'],
  ['autoscaling:DescribeScalingActivities', 'reading'],
  ['autoscaling:DescribeTags', 'reading'],
  ['ec2:DescribeVpcs', 'reading'],
  ['ec2:DescribeSecurityGroups', 'reading'],
  ['ec2:DescribeInstances', 'reading'],
  ['ec2:DescribeNetworkInterfaces', 'reading'],
  ['ec2:DescribeInstanceTypes', 'reading'],
  ['ec2:DescribeLaunchTemplateVersions', 'reading'],
  ['ec2:DescribeImages', 'reading'],
  ['ec2:GetInstanceTypesFromInstanceRequirements', 'reading'],
]);

const list = (value) => (Array.isArray(value) ? value : [value]);

function starsOf(r, text) {
  return list(JSON.parse(text).Statement).filter((s) => s.Effect === 'Allow').flatMap((s) => [
    ...list(s.Action ?? []).filter((a) => a.includes('*')).map((a) => fault(r, `may ${a}`)),
    ...(s.NotAction || s.NotResource ? [fault(r, 'says what may not, not what may')] : []),
    ...(list(s.Resource ?? []).includes('*')
      ? list(s.Action).filter((a) => !withoutResource.has(a)).map((a) => fault(r, `${a} of *`))
      : []),
    ...(s.Principal === '*' || s.Principal?.AWS === '*' ? [fault(r, 'anybody may')] : []),
  ]);
}

const policyTypes = ['aws_iam_role_policy', 'aws_iam_policy', 'aws_iam_user_policy',
  'aws_iam_group_policy', 'aws_s3_bucket_policy', 'aws_sns_topic_policy',
  'aws_secretsmanager_secret_policy', 'aws_ecr_repository_policy'];

// A key's own policy says "*" and means the key; only the account administers it.
function keyStars(r) {
  return JSON.parse(r.values.policy).Statement.filter((s) => s.Effect === 'Allow')
    .filter((s) => list(s.Action).some((a) => a.includes('*')) &&
      !/^arn:aws:iam::\d{12}:root$/.test(s.Principal?.AWS ?? ''))
    .map((s) => fault(r, `${JSON.stringify(s.Principal)} may ${s.Action}`));
}

// Policies of AWS's own that people attach for comfort.
const attached = (all) => of(all, 'aws_iam_role_policy_attachment',
  'aws_iam_user_policy_attachment')
  .filter((r) => /(AdministratorAccess|PowerUserAccess|FullAccess)$/
    .test(r.values.policy_arn ?? ''))
  .map((r) => fault(r, r.values.policy_arn));

function noStars(all) {
  const own = of(all, ...policyTypes).filter((r) => r.values.policy)
    .flatMap((r) => starsOf(r, r.values.policy));
  const keys = of(all, 'aws_kms_key').filter((r) => r.values.policy).flatMap(keyStars);
  const bare = of(all, 'aws_kms_key').filter((r) => !known(r, 'policy'))
    .map((r) => fault(r, 'a key without a policy'));
  const trust = of(all, 'aws_iam_role').filter((r) => r.values.assume_role_policy)
    .flatMap((r) => starsOf(r, r.values.assume_role_policy));
  return [...own, ...keys, ...bare, ...trust, ...attached(all)];
}

// ---- nobody deletes by mistake --------------------------------------------------

const protection = [
  ['aws_db_instance', (v) => v.deletion_protection && (v.skip_final_snapshot === false ||
    v.replicate_source_db !== null)],
  ['aws_rds_cluster', (v) => v.deletion_protection && v.skip_final_snapshot === false],
  ['aws_rds_global_cluster', (v) => v.deletion_protection],
  ['aws_lb', (v) => v.enable_deletion_protection],
  ['aws_s3_bucket', (v) => v.force_destroy !== true],
  ['aws_kms_key', (v) => v.deletion_window_in_days >= 14],
  ['aws_secretsmanager_secret', (v) => v.recovery_window_in_days >= 7],
  ['aws_ecr_repository', (v) => v.force_delete !== true && v.image_tag_mutability === 'IMMUTABLE'],
  ['aws_instance', (v) => v.disable_api_termination],
];

function kept(all) {
  const plain = protection.flatMap(([type, good]) => of(all, type)
    .filter((r) => !good(r.values)).map((r) => fault(r, 'can be deleted by mistake')));
  const backups = of(all, 'aws_db_instance', 'aws_rds_cluster')
    .filter((r) => !r.values.replicate_source_db && !(r.values.backup_retention_period >= 7))
    .map((r) => fault(r, 'no points in time to go back to'));
  const versions = of(all, 'aws_s3_bucket_versioning')
    .filter((r) => r.values.versioning_configuration[0].status === 'Enabled');
  return [...plain, ...backups,
    ...eachBucket(all, versions, 'aws_s3_bucket_versioning', 'no versions')];
}

// ---- whose it is ----------------------------------------------------------------

const wanted = ['House', 'Environment', 'Owner'];

// Where the provider has no tags of its own and the resource none, they are not even known.
function tagged(all) {
  const missing = (r) => wanted.filter((tag) => !r.values.tags_all?.[tag]);
  return all.filter((r) => 'tags_all' in r.values || r.unknown.tags_all === true)
    .filter((r) => missing(r).length > 0).map((r) => fault(r, `without ${missing(r)}`));
}

// ---- what goes has drained -----------------------------------------------------------

const most = (r, name) => Number(r.values[name] ?? 0);
const told = (text, pattern) => Number(pattern.exec(text)?.[1] ?? 0);

function startOf(r) {
  const { user_data: data } = r.values;
  if (typeof data !== 'string') return ''; // not known before it is applied
  const bytes = Buffer.from(data, 'base64');
  return (bytes[0] === 0x1f ? zlib.gunzipSync(bytes) : bytes).toString();
}

// podman, systemd and the group's hook wait in this order, each longer than the one before,
// and the balancers keep what is under way for as long as the process may take for it.
function hookFaults(group, drain, stop, systemd) {
  const hooks = [...(group?.values.initial_lifecycle_hook ?? [])]
    .filter((h) => h.lifecycle_transition.endsWith('TERMINATING'));
  const hook = Math.min(...hooks.map((h) => h.heartbeat_timeout));
  return [
    [stop < drain, `podman kills it after ${stop} of ${drain} s`],
    [systemd < stop + 10, `systemd kills it after ${systemd} s, podman stops it after ${stop}`],
    [!(hook >= systemd + 20), `its group ends it after ${hook} s, systemd after ${systemd}`],
  ].filter(([bad]) => bad).map(([, what]) => what);
}

function drains(all) {
  const started = of(all, 'aws_launch_template').map((r) => [r, startOf(r)])
    .filter(([, text]) => /DRAIN_S='?\d/.test(text));
  const ends = started.flatMap(([r, text]) => hookFaults(
    of(all, 'aws_autoscaling_group').find((g) => home(g) === home(r)),
    told(text, /DRAIN_S='?(\d+)/), told(text, /podman stop --time (\d+)/),
    told(text, /TimeoutStopSec=(\d+)/)).map((what) => fault(r, what)));
  // The hook is known in every plan: a minute more than the drain.
  const longest = Math.max(75, ...of(all, 'aws_autoscaling_group')
    .flatMap((g) => g.values.initial_lifecycle_hook ?? []).map((h) => h.heartbeat_timeout - 60));
  const cut = of(all, 'aws_lb_target_group').filter((r) => r.values.target_type !== 'alb')
    .filter((r) => most(r, 'deregistration_delay') < longest)
    .map((r) => fault(r, `cuts requests after ${r.values.deregistration_delay} of ${longest} s`));
  return [...ends, ...cut];
}

module.exports = {
  policies: {
    'nothing is public but the edge': nothingPublic,
    'everything is encrypted': everythingEncrypted,
    'metadata needs a token': metadata,
    'no star in what may be done': noStars,
    'nobody deletes by mistake': kept,
    'everything says whose it is': tagged,
    'what goes has drained': drains,
  },
  withoutResource,
};
