// docker-compose.yml starts the same programs with the same settings as `npm start` does.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8');

const service = z.strictObject({
  build: z.union([z.literal('.'), z.strictObject({ context: z.literal('.'), target: z.string() })]).optional(),
  profiles: z.array(z.literal('gpu')).optional(),
  image: z
    .string()
    .regex(/^[a-z]+:\d+$/)
    .optional(),
  restart: z.literal('unless-stopped'),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  volumes: z.array(z.string()),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).optional(),
  healthcheck: z.strictObject({ test: z.array(z.string()), interval: z.string(), retries: z.int() }).optional(),
  deploy: z
    .strictObject({
      resources: z.strictObject({
        reservations: z.strictObject({
          devices: z.array(
            z.strictObject({ driver: z.string(), count: z.int(), capabilities: z.array(z.literal('gpu')) }),
          ),
        }),
      }),
    })
    .optional(),
});
const compose = z
  .strictObject({
    'x-errata': z.unknown(),
    services: z.record(z.string(), service),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(parse(read('docker-compose.yml'), { merge: true }));

test('API and workers run the programs that the local stack runs', () => {
  const stack = read('apps/cli/src/stack/stack.ts');
  for (const name of ['api', 'worker']) {
    const main = compose.services[name]?.command?.at(-1);
    expect(main).toBe(`apps/${name}/bin/${name}.js`);
    expect(existsSync(`${root}/${main}`)).toBe(true);
    expect(stack).toContain(`'${main}'`);
  }
});

test('every setting is one that the local stack gives too', () => {
  const stack = read('apps/cli/src/stack/stack.ts');
  for (const name of ['api', 'worker']) {
    for (const key of Object.keys(compose.services[name]?.environment ?? {})) expect(stack).toContain(key);
  }
});

test('a GPU is asked for in the profile gpu alone, by a worker that fails where it has none', () => {
  const { 'worker-gpu': onGpu, ...others } = compose.services;
  for (const { profiles, deploy } of Object.values(others)) expect([profiles, deploy]).toEqual([undefined, undefined]);
  const { build, command, environment, volumes } = onGpu!;
  expect(onGpu).toMatchObject({
    profiles: ['gpu'],
    deploy: { resources: { reservations: { devices: [{ count: 1 }] } } },
  });
  expect({ command, volumes }).toEqual({ command: others.worker!.command, volumes: others.worker!.volumes });
  const { ERRATA_PROVIDER, NVIDIA_DRIVER_CAPABILITIES, ...settings } = environment!;
  expect(settings).toEqual(others.worker!.environment);
  expect(NVIDIA_DRIVER_CAPABILITIES!.split(',')).toContain('graphics'); // without it no Vulkan driver is put into the container
  const [, provider] = ERRATA_PROVIDER!.match(/^\$\{ERRATA_PROVIDER:-(\w+)\}$/)!;
  expect(['cuda', 'webgpu']).toContain(provider);
  const stages = [...read('Dockerfile').matchAll(/^FROM (\S+)(?: AS (\w+))?$/gm)].map(([, , name]) => name);
  expect(stages).toContain((build as { target: string }).target);
  // The last stage is what all others run, and has nothing of it.
  expect(stages.at(-1)).toBeUndefined();
});

test('what a service depends on can say that it is healthy, and every volume is declared', () => {
  for (const { depends_on, volumes } of Object.values(compose.services)) {
    for (const name of Object.keys(depends_on ?? {})) expect(compose.services[name]?.healthcheck).toBeDefined();
    for (const volume of volumes.filter((v) => /^[a-z]+:/.test(v)))
      expect(compose.volumes).toHaveProperty(volume.split(':')[0]!);
  }
});

test('Redis evicts nothing, and the image is built with what the programs need', () => {
  expect(compose.services.redis?.command?.join(' ')).toContain('--maxmemory-policy noeviction');
  // What one stage copies from another is not of the sources.
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, paths]) =>
    paths!.split(' '),
  );
  for (const path of ['packages', 'apps', 'models', 'prisma', 'prisma.config.ts', 'package-lock.json'])
    expect(copied).toContain(path);
  for (const path of copied) expect(existsSync(`${root}/${path}`)).toBe(true);
});
