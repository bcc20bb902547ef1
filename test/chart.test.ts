// The Helm chart starts the programs that there are, with settings that there are; what it renders is looked at where helm is.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));
const chart = join(root, 'deploy/helm');
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const templates = readdirSync(join(chart, 'templates')).map((name) => read('deploy/helm/templates', name));

test('has the version of what it installs', () => {
  const { version } = JSON.parse(read('package.json'));
  expect(parse(read('deploy/helm/Chart.yaml'))).toMatchObject({ version, appVersion: version });
});

test('starts programs that are there', () => {
  const programs = templates.flatMap((text) => [...text.matchAll(/\[?node[, ]+(\S+\.js)\b/g)].map(([, path]) => path!));
  expect(new Set(programs)).toEqual(
    new Set(['apps/api/bin/api.js', 'apps/worker/bin/worker.js', 'apps/cli/bin/errata.js']),
  );
  for (const path of programs) expect(existsSync(join(root, path)), path).toBe(true);
});

test('gives settings that docs/cli.md describes', () => {
  const page = read('docs/cli.md');
  const given = templates.flatMap((text) =>
    [...text.matchAll(/(?:name: |^ {2})([A-Z][A-Z_]+)\b/gm)].map(([, name]) => name!),
  );
  expect(given.length).toBeGreaterThan(8);
  for (const name of given) expect(page, name).toContain(`\`${name}\``);
});

const helm = spawnSync('helm', ['version']).status === 0;
const needed = ['existingSecret=errata', 'settings.BLOBS_URL=s3://blobs/errata'];
const withValues = (values: readonly string[]) => values.flatMap((value) => ['--set', value]);
const rendered = (...values: string[]) =>
  spawnSync('helm', ['template', 'mine', chart, '--kube-version', '1.31.0', ...withValues(values)], {
    encoding: 'utf8',
  });

test.skipIf(!helm)(`renders what was asked for${helm ? '' : ' (skipped: no helm found)'}`, () => {
  execFileSync('helm', ['lint', '--strict', '--kube-version', '1.31.0', chart, ...withValues(needed)], {
    stdio: 'pipe',
  });
  const gpu = ['workers.gpu.replicas=1', 'workers.gpu.settings.ERRATA_PROVIDER=cuda', 'backup.schedule=20 3 * * *'];
  const { stdout } = rendered(...needed, ...gpu, 'ingress.enabled=true');
  const objects = parseAllDocuments(stdout).map((each) => each.toJSON());
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(names.sort()).toEqual([
    ...['ConfigMap mine', 'CronJob mine-backup', 'Deployment mine-api', 'Deployment mine-worker-cpu'],
    ...['Deployment mine-worker-gpu', 'Ingress mine-api', 'PodDisruptionBudget mine-api', 'Service mine-api'],
    'ServiceAccount mine',
  ]);
  const [{ env }] = objects.find(({ metadata }) => metadata.name === 'mine-worker-gpu').spec.template.spec.containers;
  expect(env).toContainEqual({ name: 'ERRATA_PROVIDER', value: 'cuda' });
});

test.skipIf(!helm)('refuses what cannot work, by name', () => {
  expect(rendered(needed[0]!).stderr).toContain('settings.BLOBS_URL must name a bucket');
  expect(rendered(needed[1]!).stderr).toContain('existingSecret must name a secret');
  expect(rendered(...needed, 'workers.cpu.replica=3').stderr).toMatch(/replica/);
});
