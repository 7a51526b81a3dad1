// JSON Schema 2020-12, the keywords that docs/openapi.yaml uses; another one
// is an error, not ignored.
'use strict';

const { isDeepStrictEqual } = require('node:util');

const typeOf = (value) => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (Number.isInteger(value)) return 'integer';
  return typeof value;
};
const isType = (value, type) =>
  typeOf(value) === type || (type === 'number' && typeof value === 'number');
const isObject = (value) => typeOf(value) === 'object';
const length = (text) => [...text].length;

const isDate = (text) =>
  /^\d{4}-\d\d-\d\d$/.test(text) &&
  !Number.isNaN(Date.parse(text)) &&
  new Date(text).toISOString().startsWith(text);

// keyword: (its value, the value, path, context) -> errors.  What does not
// apply to a value's type passes.
const keywords = {
  $ref: (ref, value, path, context) => check(context.resolve(ref), value, path, context),
  type: (types, value, path) =>
    [types].flat().some((type) => isType(value, type))
      ? []
      : [`${path} is ${typeOf(value)}, not ${[types].flat().join(' or ')}`],
  const: (want, value, path) =>
    isDeepStrictEqual(want, value) ? [] : [`${path} is not ${JSON.stringify(want)}`],
  oneOf: (schemas, value, path, context) => {
    const all = schemas.map((schema) => check(schema, value, path, context));
    const well = all.filter((errors) => errors.length === 0).length;
    return well === 1 ? [] : [`${path} is ${well} of those it may be: ${all.flat().join(', ')}`];
  },
  enum: (list, value, path) =>
    list.includes(value) ? [] : [`${path} is none of ${list.join(', ')}`],
  pattern: (pattern, value, path) =>
    typeof value !== 'string' || new RegExp(pattern, 'u').test(value)
      ? []
      : [`${path} does not match ${pattern}: ${value}`],
  format: (format, value, path) => {
    if (format !== 'date') throw new Error(`schema: format ${format}`);
    return typeof value !== 'string' || isDate(value) ? [] : [`${path} is no date: ${value}`];
  },
  minLength: (n, value, path) =>
    typeof value !== 'string' || length(value) >= n ? [] : [`${path} is too short`],
  maxLength: (n, value, path) =>
    typeof value !== 'string' || length(value) <= n ? [] : [`${path} is too long`],
  minimum: (n, value, path) =>
    typeof value !== 'number' || value >= n ? [] : [`${path} is below ${n}`],
  maximum: (n, value, path) =>
    typeof value !== 'number' || value <= n ? [] : [`${path} is above ${n}`],
  minItems: (n, value, path) =>
    !Array.isArray(value) || value.length >= n ? [] : [`${path} has too few items`],
  maxItems: (n, value, path) =>
    !Array.isArray(value) || value.length <= n ? [] : [`${path} has too many items`],
  uniqueItems: (unique, value, path) =>
    !unique || !Array.isArray(value) || new Set(value.map((x) => `${x}`)).size === value.length
      ? []
      : [`${path} has an item twice`],
  items: (schema, value, path, context) =>
    Array.isArray(value)
      ? value.flatMap((item, i) => check(schema, item, `${path}[${i}]`, context))
      : [],
  required: (names, value, path) =>
    isObject(value)
      ? names
          .filter((name) => !Object.hasOwn(value, name))
          .map((name) => `${path}.${name} is missing`)
      : [],
  properties: (properties, value, path, context) =>
    isObject(value)
      ? Object.entries(properties)
          .filter(([name]) => Object.hasOwn(value, name))
          .flatMap(([name, schema]) => check(schema, value[name], `${path}.${name}`, context))
      : [],
  additionalProperties: (allowed, value, path, context) => {
    if (allowed === true) throw new Error('schema: additionalProperties is false or a schema');
    const known = Object.keys(context.schema.properties ?? {});
    const more = isObject(value) ? Object.keys(value).filter((name) => !known.includes(name)) : [];
    return more.flatMap((name) =>
      allowed === false
        ? [`${path}.${name} is not in the schema`]
        : check(allowed, value[name], `${path}.${name}`, context),
    );
  },
};

const annotations = ['description', 'default', 'example'];

// What is wrong with the value: sentences, none when it is well.
function check(schema, value, path, context) {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    if (annotations.includes(keyword)) return [];
    if (!keywords[keyword]) throw new Error(`schema: keyword ${keyword}`);
    return keywords[keyword](argument, value, path, { ...context, schema });
  });
}

// resolve: '#/components/schemas/Id' -> schema
const validate = (schema, value, resolve) => check(schema, value, '$', { resolve });

module.exports = { validate };
