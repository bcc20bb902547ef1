// npm run bench -- <name>: runs one benchmark. They print medians and ratios; none asserts a time.
const benches = {
  locate: () => import('./locate/index.ts'),
  'atlas-edits': () => import('./atlas-edits.ts'),
  lineage: () => import('./lineage.ts'),
  evaluation: () => import('./evaluation.ts'),
  versions: () => import('./versions.ts'),
  codebook: () => import('./codebook.ts'),
  memory: () => import('./memory.ts'),
  learned: () => import('./learned.ts'),
  serving: () => import('./serving/index.ts'),
  service: () => import('./service/index.ts'),
  queue: () => import('./queue/index.ts'),
  real: () => import('./real.ts'),
} as const;

const [name = '', ...rest] = process.argv.slice(2);
if (!Object.hasOwn(benches, name)) {
  console.error(`usage: npm run bench -- <name>\nbenchmarks: ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
const { main } = await benches[name as keyof typeof benches]();
await main(rest);
