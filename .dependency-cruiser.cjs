// The layer rule of ARCHITECTURE.md: a folder may import only what stands in a lower row.
// `penfold check` fails when this file cruised no module, so a silent false pass cannot happen.
const rows = [
  ['cli'],
  ['main'],
  ['management'],
  ['frontend', 'backend', 'web'],
  ['imap', 'pop3', 'smtp', 'sieve', 'transport', 'calendar'],
  ['store', 'directory', 'auth', 'tls'],
  ['message', 'wire'],
  ['config', 'observe'],
];
const forbidden = [];
for (const [row, folders] of rows.entries()) {
  const upper = rows.slice(0, row).flat();
  if (upper.length === 0) continue;
  for (const folder of folders) {
    forbidden.push({
      name: `${folder}-imports-downward-only`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: `^src/(main\\.ts|(${upper.join('|')})/)` },
    });
  }
}
module.exports = {
  forbidden: [
    ...forbidden,
    {
      name: 'engines-are-chosen-by-main-only',
      comment: 'Protocols and management know store/api.ts and directory/api.ts, never an engine (design.md §3).',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main\\.ts|main/|store/engine/|directory/engine/)|\\.test\\.ts$' },
      to: { path: '^src/(store|directory)/engine/' },
    },
    {
      name: 'grammar-has-no-sockets',
      severity: 'error',
      from: { path: '^src/[a-z0-9]+/grammar/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^(node:)?(net|tls|fs|http|https|dgram)(/|$)|^src/(wire/connection|store|directory)',
        pathNot: '^src/store/(model|search/query)\\.ts$',
      },
    },
    {
      name: 'message-is-pure',
      severity: 'error',
      from: { path: '^src/message/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(node:)?(net|tls|fs|http|https|dgram)(/|$)' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    {
      name: 'no-test-in-product',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '\\.test\\.ts$|^(test|bench|fuzz|scripts)/' },
    },
    {
      name: 'no-dev-dependency-in-product',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
};
