// Policies over plans: of every module's example, of every root, and of a module that
// breaks them all.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { missing, plan, resources, root } = require('./lib/plan');
const { policies, withoutResource } = require('./lib/policies');

const skip = missing() ?? false;

const house = {
  account_id: '111122223333', owner: 'operators@bets.example', domain: 'bets.example',
  zone_id: 'Z0000000000000',
};
const large = {
  ...house, edge_key: '0123456789abcdef', runbook: 'https://runbook.bets.example/OPERATE.md',
  edge_prefix_list: 'pl-00000001',
};
const plans = {
  examples: {},
  'deploy/terraform/roots/small': { ...house, acme_email: 'operators@bets.example' },
  'deploy/terraform/roots/edge': house,
  'deploy/terraform/roots/asg': large,
  'deploy/terraform/roots/production': large,
  'deploy/terraform/roots/two-regions': {
    ...Object.fromEntries(Object.entries(large).filter(([name]) => name !== 'edge_prefix_list')),
    edge_prefix_lists: '{first="pl-00000001",second="pl-00000002"}',
    master_password: 'not-a-secret-1',
  },
};

test('every root is looked at', { skip }, () => {
  const there = fs.readdirSync(path.join(root, 'deploy/terraform/roots')).sort();
  const asked = Object.keys(plans).filter((f) => f !== 'examples').map((f) => path.basename(f));
  assert.deepEqual(asked.sort(), there);
});

// Two at a time: a plan is a core's work.
describe('every policy holds', { concurrency: 2 }, () => {
  for (const [folder, variables] of Object.entries(plans)) {
    test(folder, { skip }, async () => {
      const all = resources(await plan(folder, variables));
      assert.ok(all.length > 20, `only ${all.length} resources`);
      const faults = Object.entries(policies).flatMap(([name, policy]) =>
        policy(all).map((what) => `${name}: ${what}`));
      assert.deepEqual(faults, []);
      if (folder.endsWith('/production')) {
        asTheEdgeSays(all);
        asThePolicySays(all);
      }
    });
  }
});

// CloudFront's behaviours are those of the file that `overround edge` writes, in its order.
function asTheEdgeSays(all) {
  const file = path.join(root, 'deploy/edge/cloudfront/cloudfront.json');
  const written = JSON.parse(fs.readFileSync(file, 'utf8')).DistributionConfig.CacheBehaviors.Items;
  const [{ values }] = all.filter((r) => r.type === 'aws_cloudfront_distribution');
  assert.deepEqual(values.ordered_cache_behavior.map((b) => b.path_pattern),
    written.map((b) => b.PathPattern));
  assert.ok(written.length > 5);
}

// And its firewall counts and refuses what the policy says.
function asThePolicySays(all) {
  const file = path.join(root, 'deploy/edge/cloudfront/waf.json');
  const waf = JSON.parse(fs.readFileSync(file, 'utf8'));
  const [{ values }] = all.filter((r) => r.type === 'aws_wafv2_web_acl');
  const rule = (name) => values.rule.find((one) => one.name === name).statement[0];
  const [lands, open] = rule('country').and_statement[0].statement;
  assert.deepEqual(lands.not_statement[0].statement[0].geo_match_statement[0].country_codes,
    waf.countries.allowed);
  assert.equal(open.not_statement[0].statement[0].regex_match_statement[0].regex_string,
    `^(${waf.open_paths.join('|')})(/|$)`);
  for (const { name, limit, paths, methods } of waf.rates) {
    const counted = rule(`rate-${name}`).rate_based_statement[0];
    assert.equal(counted.limit, limit);
    const parts = counted.scope_down_statement[0]?.and_statement[0].statement ?? [];
    assert.deepEqual(parts.map((part) => part.regex_match_statement[0].regex_string),
      paths.length ? [`^(${paths.join('|')})(/|$)`, `^(${methods.join('|')})$`] : [], name);
  }
  assert.equal(rule('bots').regex_match_statement[0].regex_string,
    waf.agents.join('|').toLowerCase());
}

// What must be found in the broken module, by policy.
const broken = {
  'nothing is public but the edge': ['aws_security_group.open',
    'aws_vpc_security_group_ingress_rule.world', 'aws_subnet.giving', 'aws_db_instance.public',
    'aws_s3_bucket.bare', 'aws_lb.forgotten'],
  'everything is encrypted': ['aws_db_instance.public', 'aws_s3_bucket.bare',
    'aws_lb_listener.plain', 'aws_launch_template.old', 'aws_sns_topic.plain',
    'aws_kms_key.shared', 'aws_ecr_repository.mutable'],
  'metadata needs a token': ['aws_launch_template.old'],
  'no star in what may be done': ['aws_iam_role.everything', 'aws_iam_role_policy.everything',
    'aws_iam_role_policy_attachment.admin', 'aws_kms_key.shared'],
  'nobody deletes by mistake': ['aws_db_instance.public', 'aws_s3_bucket.bare',
    'aws_kms_key.shared', 'aws_lb.forgotten', 'aws_ecr_repository.mutable'],
  'everything says whose it is': ['aws_vpc.this', 'aws_s3_bucket.bare'],
  'what goes has drained': ['aws_launch_template.cut', 'aws_lb_target_group.cut'],
};

test('a module that breaks every policy is found out', { skip }, async () => {
  const all = resources(await plan('tests/terraform/broken'));
  assert.deepEqual(Object.keys(broken), Object.keys(policies));
  for (const [name, addresses] of Object.entries(broken)) {
    const faults = policies[name](all);
    for (const address of addresses) {
      assert.ok(faults.some((what) => what.startsWith(`${address}: `)),
        `${name} does not find ${address}: ${faults.join('; ')}`);
    }
  }
});

// What a plan does not know yet - a policy with the name of something that is still to be
// made - is looked at in its source: every star, and why it is there.
const stars = [
  ['modules/kms', /^ *(Action *= "kms:\*"|Resource *= "\*")$/, 'within a key\'s policy: this key'],
  ['modules/kms', /:log-group:\*"/, 'any log group of the account, of one region'],
  ['modules/network', /flow\.arn}:\*"$/, 'the streams of one log group'],
  ['modules/iam', /condition *= !contains\(/, 'refuses a star'],
  ['modules/s3', /^ *(Principal *= "\*"|Action *= "s3:\*")$/, 'refuses everybody without TLS'],
  ['modules/asg', /^ *Resource *= "\*"$/, 'calls that have no resource'],
  ['modules/asg', /:autoScalingGroup:\*:/, 'the number that AWS gives a group'],
  ['roots/small', /^ *Resource *= "\*"$/, 'calls that have no resource'],
  ['modules/region', /^ *resources *= \["\*"\]$/, 'calls that have no resource'],
  ['modules/region', /:autoScalingGroup:\*:/, 'groups that EKS makes, of one cluster by their tag'],
];

// Folders of the tree with their text, without comments.
function sources() {
  const tree = path.join(root, 'deploy/terraform');
  return ['modules', 'roots'].flatMap((kind) => fs.readdirSync(path.join(tree, kind))
    .map((name) => {
      const folder = path.join(tree, kind, name);
      const files = fs.readdirSync(folder).filter((file) => file.endsWith('.tf'));
      const text = files.map((file) => fs.readFileSync(path.join(folder, file), 'utf8')).join('\n');
      return [`${kind}/${name}`, text.replace(/^ *#.*$/gm, '')];
    }));
}

test('every star in the sources has its reason', () => {
  const used = new Set();
  for (const [folder, text] of sources()) {
    for (const line of text.split('\n').filter((l) => /"\*"|:\*["/:]/.test(l))) {
      const found = stars.find(([where, what]) => where === folder && what.test(line));
      assert.ok(found, `${folder}: ${line.trim()}`);
      used.add(found);
    }
  }
  assert.deepEqual(stars.filter((row) => !used.has(row)), [], 'reasons for stars that are gone');
});

test('what is of every resource cannot be of less', () => {
  let looked = 0;
  const statement =
    /(?:Action|actions)\s*=\s*\[([^\]]*)\],?\s*(?:Resource|resources)\s*=\s*\[?"\*"/g;
  for (const [folder, text] of sources().filter(([name]) => name !== 'modules/kms')) {
    for (const [, actions] of text.matchAll(statement)) {
      for (const [, action] of actions.matchAll(/"([^"]+)"/g)) {
        assert.ok(withoutResource.has(action), `${folder}: ${action} of *`);
        looked += 1;
      }
    }
  }
  assert.ok(looked >= withoutResource.size, `${looked} calls`);
});
