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
