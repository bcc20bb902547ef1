// Operations of the document: each has a name of its own, and says what it may fail with.
import { readFile } from 'node:fs/promises';
import { errorCatalogue } from '@errata/contracts';
import { expect, test } from 'vitest';
import { describeApi } from './describe.ts';
import { operationId } from './operations.ts';

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly description?: string }>>;
  readonly security: readonly unknown[];
}

test('every operation has a name that no other has, and responses for its failures', async () => {
  const text = await describeApi();
  expect(text).toBe(await readFile(new URL('../../openapi.json', import.meta.url), 'utf8'));
  const { paths, components, servers } = JSON.parse(text) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    readonly components: { readonly responses: Readonly<Record<string, { readonly description: string }>> };
    readonly servers: readonly unknown[];
  };
  expect(servers).toHaveLength(1);
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  const names = operations.map(({ operationId }) => operationId);
  expect(names).toEqual([...new Set(names)]);
  expect(names.filter((name) => !/^[a-z][A-Za-z]+$/.test(name))).toEqual([]);
  for (const { responses, security } of operations) {
    const problems = Object.values(responses).flatMap(({ $ref }) => $ref?.split('/').at(-1) ?? []);
    expect(problems).toEqual(expect.arrayContaining(['Problem400', 'Problem500']));
    expect(problems.includes('Problem401')).toBe(security.length > 0);
    expect(problems.filter((name) => components.responses[name] === undefined)).toEqual([]);
  }
  const told = Object.values(components.responses).flatMap(({ description }) =>
    [...description.matchAll(/`(\w+)`/g)].map(([, code]) => code),
  );
  const answered = Object.entries(errorCatalogue).filter(
    ([, { status }]) => `Problem${status}` in components.responses,
  );
  expect(told.sort()).toEqual(answered.map(([code]) => code).sort());
});

test.each([
  ['get', '/v1/models', true, 'listModels'],
  ['get', '/v1/models/{model}', false, 'getModel'],
  ['post', '/v1/models/{model}/branches', false, 'createBranch'],
  ['get', '/v1/models/{model}/aliases/{alias}/history', true, 'listAliasHistory'],
  ['put', '/v1/models/{model}/branches/{branch}/policy', false, 'setBranchPolicy'],
  ['post', '/v1/jobs/{job}/cancel', false, 'cancelJob'],
  ['get', '/v1/suites/{suite}/cases', true, 'listSuiteCases'],
  ['post', '/v1/webhooks/{webhook}/deliveries/{delivery}/replay', false, 'replayWebhookDelivery'],
  ['post', '/v1/edit_jobs', false, 'createEditJob'],
  ['post', '/v1/chat/completions', false, 'createChatCompletion'],
] as const)('%s %s is called by what it does', (method, path, lists, name) => {
  expect(operationId(method, path, lists)).toBe(name);
});
