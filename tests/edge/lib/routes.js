// The rows of src/tbl/routes.h, as customers may ask for them.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('../../api/lib/store');

const ROW = new RegExp(
  /^ROUTE\((\w+), "(\w+)", "([^"]+)", (\w+), "([\w ]*)", (\w+), (\w+), (\w+), /,
  'gm',
);

const routes = [...fs.readFileSync(path.join(root, 'src/tbl/routes.h'), 'utf8').matchAll(ROW)].map(
  ([, who, method, pattern, caching, query, body, rate, where]) => ({
    isPublic: who === 'PUBLIC',
    method,
    pattern,
    path: pattern.replace(/\{\w+\}/, 'x1'),
    caching,
    query,
    takesBody: body !== '0',
    rate,
    isAbroad: where === 'ABROAD',
  }),
);
if (routes.length < 40) throw new Error('src/tbl/routes.h reads otherwise now');

module.exports = {
  publicRoutes: routes.filter((route) => route.isPublic),
  operatorRoutes: routes.filter((route) => !route.isPublic),
};
