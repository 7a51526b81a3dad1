// What `make lint` asks of the pages, the tests and the scripts beyond what
// compiles: mistakes, not taste.  Run from the repository's root.
import js from '@eslint/js';
import typescript from 'typescript-eslint';

const node = ['process', 'console', 'Buffer', 'URL', 'URLSearchParams', 'fetch', 'performance',
  'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'queueMicrotask',
  'structuredClone', 'TextDecoder', 'TextEncoder', 'AbortController', 'AbortSignal', 'WebSocket',
  'ReadableStream'];
// What a test hands to a page's own JavaScript.
const browser = ['window', 'document', 'localStorage', 'MutationObserver', 'getComputedStyle',
  'innerWidth'];
const globals = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));

const pages = ['web/src/**/*.ts', 'web/src/**/*.tsx'];

// A name that begins with _ is there for its place.
const unused = ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_',
  caughtErrors: 'none', ignoreRestSiblings: true }];

export default [
  { ignores: ['**/node_modules/**', 'build/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { ...js.configs.recommended, files: ['**/*.js', '**/*.mjs'] },
  {
    files: ['**/*.js'],
    languageOptions: { sourceType: 'commonjs', globals: globals([...node, '__dirname']) },
  },
  {
    files: ['tests/browser/**', 'bench/edge/page.js'],
    languageOptions: { globals: globals(browser) },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: globals(node) } },
  ...typescript.configs.recommended.map((config) => ({ ...config, files: pages })),
  { files: ['**/*.js', '**/*.mjs'], rules: { 'no-unused-vars': unused } },
  { files: pages, rules: { '@typescript-eslint/no-unused-vars': unused } },
  { rules: { eqeqeq: ['error', 'always', { null: 'ignore' }], 'no-var': 'error',
    'prefer-const': 'error' } },
];
