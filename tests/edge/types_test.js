// What CDNs are given, beside the types that they publish of their interfaces on npm.
// That a value is of the right type does not say that the CDN takes it.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { edgeFiles } = require('./lib/written');
const { misfits } = require('./lib/types');

const AWS = '@aws-sdk/client-cloudfront';
const twice = [[/ {2}- name: main\n((?: {4}.*\n)+)/, (all) => all + all.replace('main', 'second')
  .replace('origin.example', 'second.example')]];

describe('CloudFront', () => {
  const claims = (replacements) => {
    const config = JSON.parse(edgeFiles('cloudfront', replacements)['cloudfront.json']);
    const all = (list, type) => list.map((value) => ({ from: AWS, type, value }));
    return [
      ...all(config.CachePolicies, 'CachePolicyConfig'),
      ...all(config.OriginRequestPolicies, 'OriginRequestPolicyConfig'),
      ...all(config.ResponseHeadersPolicies, 'ResponseHeadersPolicyConfig'),
      ...all(config.Functions.map((one) => one.FunctionConfig), 'FunctionConfig'),
      { from: AWS, type: 'DistributionConfig', value: config.DistributionConfig },
    ];
  };

  test('every policy and the distribution are of the SDK\'s types', () => {
    assert.equal(misfits([...claims(), ...claims(twice),
      ...claims([[/minimum: "1\.2"/, 'minimum: "1.3"'], [/hsts_s: \d+/, 'hsts_s: 0']])]), '');
  });

  test('and a wrong word is found', () => {
    const [first] = claims();
    const broken = structuredClone(first);
    broken.value.ParametersInCacheKeyAndForwardedToOrigin.CookiesConfig.CookieBehavior = 'some';
    assert.match(misfits([broken]), /CookieBehavior|"some"/);
    const more = structuredClone(first);
    more.value.MinimumTTL = 1;
    assert.match(misfits([more]), /MinimumTTL/);
  });
});

// The API's names begin with a capital, the package's do not.
function uncapped(value) {
  if (Array.isArray(value)) return value.map(uncapped);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value)
    .map(([name, inside]) => [name[0].toLowerCase() + name.slice(1), uncapped(inside)]));
}

describe('Bunny', () => {
  const MODELS = 'bunny-sdk/bunnyApiClient/models/pullZone';
  const config = JSON.parse(edgeFiles('bunny')['bunny.json']);
  const claims = [
    { from: `${MODELS}/index.js`, type: 'PullZone', value: uncapped(config.PullZone) },
    ...config.EdgeRules.map((rule) => ({ from: `${MODELS}/edgeRule/index.js`, type: 'EdgeRule',
      value: uncapped(rule) })),
  ];

  test('the pull zone and its rules are of the package\'s types', () => {
    assert.equal(misfits(claims), '');
  });

  test('and a wrong word is found', () => {
    const broken = structuredClone(claims);
    broken[0].value.originURL = 'x';
    assert.match(misfits(broken), /originURL/);
  });
});

describe('Akamai', () => {
  const tree = JSON.parse(edgeFiles('akamai')['property.json']);
  const rules = [];
  const walk = (rule) => {
    rules.push(rule);
    rule.children.forEach(walk);
  };
  walk(tree.rules);

  // No registry has a schema of it: this is the shape that PAPI documents.
  test('every rule has a name, and criteria and behaviours with options', () => {
    assert.match(tree.ruleFormat, /^v20\d\d-\d\d-\d\d$/);
    for (const rule of rules) {
      assert.deepEqual(Object.keys(rule).filter((name) => !['name', 'children', 'criteria',
        'behaviors', 'criteriaMustSatisfy', 'options'].includes(name)), []);
      for (const one of [...rule.criteria, ...rule.behaviors]) {
        assert.deepEqual(Object.keys(one), ['name', 'options']);
      }
      assert.ok(rule === tree.rules || rule.criteria.length > 0, rule.name);
    }
  });

  test('what is kept nowhere comes behind what is kept', () => {
    const order = tree.rules.children.map((rule) => rule.behaviors[0]);
    const last = order.findLastIndex((one) => one.options.behavior === 'MAX_AGE');
    const never = order.findIndex((one) => one.options.behavior === 'NO_STORE');
    assert.ok(last >= 0 && never > last);
    const { values } = tree.rules.children[never].criteria[0].options;
    for (const path of ['/v1/bets', '/v1/events/*/stream', '/v1/wallet']) {
      assert.ok(values.includes(path), path);
    }
  });
});

describe('Cloudflare', () => {
  const { phases, settings } = JSON.parse(edgeFiles('cloudflare')['cloudflare.json']);
  const PHASES = 'cloudflare/resources/rulesets/phases/phases';
  const claims = Object.values(phases)
    .map((value) => ({ from: PHASES, type: 'PhaseUpdateParams', value }));

  test('every ruleset is of the package\'s type, and every phase is one', () => {
    const names = Object.keys(phases).map((value) => ({
      from: 'cloudflare/resources/rulesets/rulesets', type: 'Phase', value }));
    assert.equal(misfits([...claims, ...names]), '');
    assert.ok(settings.length > 0);
  });

  test('no expression is longer than Cloudflare takes', () => {
    for (const { rules } of Object.values(phases)) {
      for (const rule of rules) assert.ok(rule.expression.length <= 4096, rule.ref);
    }
  });

  test('and a wrong word is found', () => {
    const broken = structuredClone(claims);
    broken[0].value.rules[0].action_parameters.response.code = 403;
    assert.match(misfits(broken), /code/);
  });
});
