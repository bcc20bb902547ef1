// The matrix of ways: every route by which anything changes what a name serves, held against everything that guards it.
import { type ErrorCode, type Scope, scopes } from '@errata/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';
import { type Guard, type MoveKind, openPlace, type Place, setAside, setGuard, workBlindly } from './ways.fixture.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
  await api.importModel('atlas');
});
afterAll(() => api.close());

/** `done`: it is so at once; `moves`: it is taken in, and a worker that knows of no policy commits it; else what refuses it, and when. */
type Outcome = 'done' | 'moves' | { readonly asked: ErrorCode } | { readonly worked: ErrorCode };

interface Asked {
  readonly path: string;
  readonly body?: object;
}

interface Way {
  /** As the table of routes has it. */
  readonly route: string;
  readonly how: string;
  /** The scopes that suffice, and none of which can be missing. */
  readonly takes: readonly Scope[];
  /** Makes ready what is asked, as an administrator. */
  readonly ask: (place: Place) => Asked | Promise<Asked>;
  /** What a worker makes of the job. */
  readonly kind?: MoveKind;
  /** Guards that are left out have nothing to do with it. */
  readonly outcomes: { readonly [G in Guard]?: Outcome };
  readonly check?: (answer: Answer, place: Place) => void | Promise<void>;
}

/** A key of these scopes; made once. */
const keyWith = (() => {
  const known = new Map<string, Promise<string>>();
  return (...given: readonly Scope[]): Promise<string> => {
    const name = given.join();
    if (!known.has(name)) known.set(name, api.keyWith(...given));
    return known.get(name)!;
  };
})();

const held = { worked: 'approval_required' } as const;
const asEdits = { open: 'moves', approval: held, protected: held } as const;
const asReset = { open: 'moves', approval: 'moves', protected: { asked: 'protected_branch' } } as const;
const settled = { open: 'done', approval: 'done', protected: 'done' } as const;
const only = { open: 'done' } as const;

const at = (path: string) => `/v1/models/atlas${path}`;
const made = async (path: string, body: object): Promise<string> => {
  const answer = await api.post(path, body);
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body.id;
};
const remove = async (path: string) => expect((await api.call('DELETE', path)).status).toBe(204);
const edits = (place: Place, more: object = {}) => ({
  path: '/v1/edit_jobs',
  body: { model: 'atlas', branch: place.branch, edits: [anEdit('Spain')], ...more },
});
const rollback = (place: Place, mode: string) => ({
  path: '/v1/rollbacks',
  body: {
    model: 'atlas',
    branch: place.branch,
    mode,
    reason: 'x',
    ...(mode === 'reset' ? { to_version: place.root } : { revert_edit_ids: [place.edit] }),
  },
});
/** Asks for it without any guard, cancels it, and sets the guard again: what is to be retried. */
async function cancelled(place: Place, { path, body = {} }: Asked): Promise<string> {
  await setGuard(api, place, 'open');
  const job = await made(path, body);
  expect((await api.post(`/v1/jobs/${job}/cancel`, {})).status).toBe(200);
  await setGuard(api, place, place.guard);
  return job;
}
const retried = async (place: Place, asked: Asked) => ({
  path: `/v1/jobs/${await cancelled(place, asked)}/retry`,
  body: {},
});
async function schedule(place: Place, more: object = {}): Promise<string> {
  await api.post(`/v1/branches/${place.id}/inbox`, [anEdit('Chad')]);
  const asked = { name: `of-${place.branch}`, model: 'atlas', branch: place.branch, when_pending: 100, ...more };
  return `/v1/schedules/${await made('/v1/schedules', asked)}`;
}
/** A branch of a fresh name with the policy of the place, deleted. */
async function former(place: Place, policy: object = {}): Promise<string> {
  const name = `${place.branch}-former`;
  await made(at('/branches'), { name, from: place.branch, ...policy });
  await remove(at(`/branches/${name}`));
  return name;
}
const evaluation = (place: Place, gate: boolean) => ({
  path: '/v1/evaluations',
  body: { model: 'atlas', branch: place.branch, probes: [{ prompt: 'France is' }], gate },
});
const laxer = { gate: { rules: [] } };

const ways: readonly Way[] = [
  {
    route: 'POST /v1/edit_jobs',
    how: 'edits',
    takes: ['edits:write'],
    ask: (place) => edits(place),
    outcomes: asEdits,
  },
  {
    route: 'POST /v1/edit_jobs',
    how: 'edits with a gate of their own',
    takes: ['admin'],
    ask: (place) => edits(place, laxer),
    outcomes: asEdits,
  },
  {
    route: 'POST /v1/cherry_picks',
    how: 'the request of another job',
    takes: ['edits:write'],
    ask: ({ branch, job }) => ({ path: '/v1/cherry_picks', body: { model: 'atlas', branch, job_id: job } }),
    outcomes: asEdits,
  },
  {
    route: 'POST /v1/rollbacks',
    how: 'a reset',
    takes: ['versions:rollback'],
    ask: (place) => rollback(place, 'reset'),
    kind: 'reset',
    outcomes: asReset,
  },
  {
    route: 'POST /v1/rollbacks',
    how: 'an exact revert',
    takes: ['versions:rollback'],
    ask: (place) => rollback(place, 'exact'),
    kind: 'exact',
    outcomes: asEdits,
  },
  {
    route: 'POST /v1/rollbacks',
    how: 'a subtraction',
    takes: ['versions:rollback'],
    ask: (place) => rollback(place, 'subtract'),
    kind: 'subtract',
    outcomes: asEdits,
  },
  {
    route: 'POST /v1/jobs/:job/retry',
    how: 'edits, again',
    takes: ['models:read', 'edits:write'],
    ask: (place) => retried(place, edits(place)),
    outcomes: asEdits,
  },
  {
    route: 'POST /v1/jobs/:job/retry',
    how: 'edits with a gate of their own, again',
    takes: ['admin'],
    ask: (place) => retried(place, edits(place, laxer)),
    outcomes: asEdits,
  },
  {
    route: 'POST /v1/jobs/:job/retry',
    how: 'a reset, again',
    takes: ['models:read', 'versions:rollback'],
    ask: (place) => retried(place, rollback(place, 'reset')),
    kind: 'reset',
    outcomes: asReset,
  },
  {
    route: 'POST /v1/jobs/:job/retry',
    how: 'an evaluation that may send the branch back, again',
    takes: ['models:read', 'evals:write', 'versions:rollback'],
    ask: (place) => retried(place, evaluation(place, true)),
    outcomes: only,
  },
  {
    route: 'POST /v1/evaluations',
    how: 'an evaluation that may send the branch back',
    takes: ['evals:write', 'versions:rollback'],
    ask: (place) => evaluation(place, true),
    outcomes: only,
  },
  {
    route: 'POST /v1/evaluations',
    how: 'an evaluation that may not',
    takes: ['evals:write'],
    ask: (place) => evaluation(place, false),
    outcomes: only,
  },
  {
    route: 'POST /v1/jobs/:job/approve',
    how: 'a candidate that waits',
    takes: ['approve'],
    ask: async (place) => {
      const job = await made(edits(place).path, edits(place).body);
      if (place.guard !== 'open') await setAside(api, place);
      return { path: `/v1/jobs/${job}/approve`, body: { reason: 'checked' } };
    },
    outcomes: { open: { asked: 'not_awaiting_approval' }, approval: 'moves', protected: 'moves' },
  },
  {
    route: 'POST /v1/branches/:branch/inbox',
    how: 'an edit for the next run',
    takes: ['edits:write'],
    ask: ({ id }) => ({ path: `/v1/branches/${id}/inbox`, body: [anEdit('Peru')] }),
    outcomes: only,
  },
  {
    route: 'POST /v1/branches/:branch/inbox/:edit/keep',
    how: 'one of several that wait',
    takes: ['edits:write'],
    ask: async ({ id }) => {
      const { edits } = (await api.post(`/v1/branches/${id}/inbox`, [anEdit('Cuba')])).body;
      return { path: `/v1/branches/${id}/inbox/${edits[0].id}/keep`, body: {} };
    },
    outcomes: only,
  },
  {
    route: 'POST /v1/schedules',
    how: 'a schedule',
    takes: ['edits:write'],
    ask: ({ branch }) => ({
      path: '/v1/schedules',
      body: { name: `made-${branch}`, model: 'atlas', branch, when_pending: 100 },
    }),
    outcomes: only,
  },
  {
    route: 'POST /v1/schedules',
    how: 'a schedule with a gate of its own',
    takes: ['admin'],
    ask: ({ branch }) => ({
      path: '/v1/schedules',
      body: { name: `made-${branch}`, model: 'atlas', branch, when_pending: 100, ...laxer },
    }),
    outcomes: only,
  },
  {
    route: 'POST /v1/schedules/:schedule/trigger',
    how: 'a run',
    takes: ['edits:write'],
    ask: async (place) => ({ path: `${await schedule(place)}/trigger`, body: {} }),
    outcomes: asEdits,
  },
  {
    route: 'POST /v1/schedules/:schedule/trigger',
    how: 'a run with a gate of its own',
    takes: ['admin'],
    ask: async (place) => ({ path: `${await schedule(place, laxer)}/trigger`, body: {} }),
    outcomes: asEdits,
  },
  {
    route: 'POST /v1/schedules/:schedule/resume',
    how: 'a schedule with a gate of its own',
    takes: ['admin'],
    ask: async (place) => ({ path: `${await schedule(place, laxer)}/resume`, body: {} }),
    outcomes: only,
  },
  {
    route: 'PATCH /v1/schedules/:schedule',
    how: 'what its runs ask for',
    takes: ['edits:write'],
    ask: async (place) => ({ path: await schedule(place), body: { batch_size: 3 } }),
    outcomes: only,
  },
  {
    route: 'PATCH /v1/schedules/:schedule',
    how: 'a gate of its own, given up',
    takes: ['admin'],
    ask: async (place) => ({ path: await schedule(place, laxer), body: { gate: null } }),
    outcomes: only,
  },
  {
    route: 'PUT /v1/models/:model/branches/:branch/policy',
    how: 'what guards it',
    takes: ['admin'],
    ask: async ({ address }) => {
      const { gate, approval, approval_hours, auto_rollback } = (await api.get(`${address}/policy`)).body;
      const policy = { gate, approval, approval_hours, auto_rollback, protected: false, reason: 'x' };
      return { path: `${address}/policy`, body: policy };
    },
    outcomes: settled,
  },
  {
    route: 'DELETE /v1/models/:model/branches/:branch',
    how: 'the branch',
    takes: ['versions:rollback'],
    ask: ({ address }) => ({ path: address }),
    outcomes: { open: 'done', approval: { asked: 'protected_branch' }, protected: { asked: 'protected_branch' } },
  },
  {
    route: 'POST /v1/models/:model/branches',
    how: 'under a name that nothing has had',
    takes: ['edits:write'],
    ask: ({ branch }) => ({ path: at('/branches'), body: { name: `${branch}-fork`, from: branch } }),
    outcomes: settled,
    check: async ({ body }, { address }) => {
      const { gate, approval, approval_hours, auto_rollback, ...source } = (await api.get(address)).body;
      expect(body).toMatchObject({ gate, approval, approval_hours, auto_rollback, protected: source.protected });
    },
  },
  {
    route: 'POST /v1/models/:model/branches',
    how: 'under a name that is taken',
    takes: ['edits:write'],
    ask: ({ branch }) => ({ path: at('/branches'), body: { name: branch, from: 'main' } }),
    outcomes: { open: { asked: 'name_taken' }, approval: { asked: 'name_taken' }, protected: { asked: 'name_taken' } },
  },
  {
    route: 'POST /v1/models/:model/branches',
    how: 'with a policy of its own',
    takes: ['edits:write', 'admin'],
    ask: ({ branch }) => ({ path: at('/branches'), body: { name: `${branch}-own`, from: branch, ...laxer } }),
    outcomes: only,
  },
  {
    route: 'POST /v1/models/:model/branches',
    how: 'in the place of one that was deleted',
    takes: ['edits:write', 'versions:rollback'],
    ask: async (place) => ({ path: at('/branches'), body: { name: await former(place), from: place.branch } }),
    outcomes: only,
  },
  {
    route: 'POST /v1/models/:model/branches',
    how: 'in the place of one that had another policy',
    takes: ['edits:write', 'admin'],
    ask: async (place) => ({ path: at('/branches'), body: { name: await former(place, laxer), from: place.branch } }),
    outcomes: only,
  },
  {
    route: 'POST /v1/models/:model/branches',
    how: 'under the name of an alias that was deleted',
    takes: ['edits:write', 'aliases:write'],
    ask: async ({ branch, root }) => {
      const name = `${branch}-served`;
      await api.call('PUT', at(`/aliases/${name}`), { body: { version: root } });
      await remove(at(`/aliases/${name}`));
      return { path: at('/branches'), body: { name, from: branch } };
    },
    outcomes: only,
  },
  {
    route: 'POST /v1/models/:model/branches/:branch/restore',
    how: 'the branch that had the name last',
    takes: ['versions:rollback'],
    ask: async (place) => ({ path: at(`/branches/${await former(place)}/restore`), body: {} }),
    outcomes: only,
  },
  {
    route: 'POST /v1/models/:model/branches/:branch/restore',
    how: 'one that had the name earlier, with another policy',
    takes: ['versions:rollback', 'admin'],
    ask: async (place) => {
      const name = await former(place, laxer);
      const [{ id }] = (await api.get(at('/branches?deleted=true&limit=100'))).body.data.slice(-1);
      await former(place);
      expect(name).toBe(`${place.branch}-former`);
      return { path: at(`/branches/${id}/restore`), body: {} };
    },
    outcomes: only,
  },
  {
    route: 'PUT /v1/models/:model/aliases/:alias',
    how: 'an alias that serves',
    takes: ['aliases:write'],
    ask: async ({ branch, root, head }) => {
      const path = at(`/aliases/${branch}-served`);
      await api.call('PUT', path, { body: { version: root } });
      return { path, body: { version: head } };
    },
    outcomes: only,
  },
  {
    route: 'PUT /v1/models/:model/aliases/:alias',
    how: 'under the name of a branch that was deleted',
    takes: ['aliases:write', 'admin'],
    ask: async (place) => ({ path: at(`/aliases/${await former(place)}`), body: { version: place.head } }),
    outcomes: only,
  },
  {
    route: 'DELETE /v1/models/:model/aliases/:alias',
    how: 'an alias that serves',
    takes: ['aliases:write'],
    ask: async ({ branch, head }) => {
      const path = at(`/aliases/${branch}-served`);
      await api.call('PUT', path, { body: { version: head } });
      return { path };
    },
    outcomes: only,
  },
  {
    route: 'POST /v1/models/:model/tags',
    how: 'a name for a version',
    takes: ['aliases:write'],
    ask: ({ branch, head }) => ({ path: at('/tags'), body: { name: `${branch}-tag`, version: head } }),
    outcomes: only,
  },
  {
    route: 'POST /v1/models/:model/tags',
    how: 'under the name of a branch that was deleted',
    takes: ['aliases:write', 'admin'],
    ask: async (place) => ({ path: at('/tags'), body: { name: await former(place), version: place.head } }),
    outcomes: only,
  },
  {
    route: 'DELETE /v1/models/:model/tags/:tag',
    how: 'a tag',
    takes: ['aliases:write'],
    ask: async ({ branch, head }) => {
      await made(at('/tags'), { name: `${branch}-tag`, version: head });
      return { path: at(`/tags/${branch}-tag`) };
    },
    outcomes: only,
  },
  {
    route: 'POST /v1/models',
    how: 'a model',
    takes: ['admin'],
    ask: ({ branch }) => ({ path: '/v1/models', body: { name: `model-${branch}`, path: 'models/x' } }),
    outcomes: only,
  },
];

/** Routes that write and change nothing that a name serves, now or later, and why. */
const harmless: Readonly<Record<string, string>> = {
  'POST /v1/jobs/:job/cancel': 'ends work; takes what submitting it took (authority.test.ts)',
  'POST /v1/jobs/:job/reject': 'ends work (approvals.test.ts)',
  'POST /v1/schedules/:schedule/pause': 'ends runs; takes what they take (authority.test.ts)',
  'DELETE /v1/schedules/:schedule': 'ends runs; takes what they take (authority.test.ts)',
  'DELETE /v1/branches/:branch/inbox/:edit': 'ends the waiting of an edit',
  'POST /v1/suites': 'stores questions',
  'POST /v1/models/:model/branches/:branch/policy/test': 'reads',
  'POST /v1/comparisons': 'reads',
  'POST /v1/bisections': 'reads',
  'POST /v1/blame': 'reads',
  'POST /v1/artefacts': 'builds what editors need, from the imported model alone',
  'POST /v1/checks': 'reads',
  'POST /v1/workers/:worker/drain': 'ends the taking of jobs',
  'POST /v1/erasures': 'deletes texts of what no name serves (erasures.test.ts)',
  'POST /v1/collections': 'deletes what nothing names',
  'POST /v1/datasets': 'reads',
  'POST /v1/rollbacks/plan': 'reads',
  'POST /v1/webhooks': 'tells others',
  'PATCH /v1/webhooks/:webhook': 'tells others',
  'DELETE /v1/webhooks/:webhook': 'tells others no more',
  'POST /v1/webhooks/:webhook/rotate': 'signs what others are told anew',
  'POST /v1/webhooks/:webhook/test': 'tells others nothing',
  'POST /v1/webhooks/:webhook/deliveries/:delivery/replay': 'tells others again',
  'POST /v1/projects': 'makes what owns no model yet',
  'PATCH /v1/projects/:project': 'bounds what is asked for (projects.test.ts)',
  'PUT /v1/projects/:project/models/:model': 'says who reaches a model (reach.test.ts)',
  'PUT /v1/projects/:project/members/:person': 'hands on what an administrator may do in a project (members.test.ts)',
  'DELETE /v1/projects/:project/members/:person': 'ends what a person may do in a project',
  'POST /v1/keys': 'hands on what an administrator may do (keys.test.ts)',
  'POST /v1/keys/:key/rotate': 'a key may do what the one before it may (keys.test.ts)',
  'DELETE /v1/keys/:key': 'ends what a key may do',
  'POST /v1/session': 'signs in, with what is known already (sessions.test.ts)',
  'DELETE /v1/session': 'signs out',
  'POST /v1/embeddings': 'reads',
  'POST /v1/completions': 'reads',
  'POST /v1/chat/completions': 'reads',
};

test('every route that writes has a row, and every row a route', () => {
  const routes = api.app.routeTable
    .filter(({ method }) => method !== 'GET' && method !== 'HEAD')
    .map(({ method, url }) => `${method} ${url}`);
  const rows = new Set([...ways.map(({ route }) => route), ...Object.keys(harmless)]);
  expect([...rows].sort()).toEqual([...routes].sort());
  expect(ways.filter(({ route }) => route in harmless)).toEqual([]);
});

describe.each(ways)('$route: $how', ({ route, takes, ask, kind = 'edit', outcomes, check }) => {
  const send = ({ path, body }: Asked, token: string) =>
    api.call(route.split(' ')[0] as 'POST', path, { token, ...(body === undefined ? {} : { body }) });

  test.each(Object.entries(outcomes) as [Guard, Outcome][])('%s', async (guard, outcome) => {
    const place = await openPlace(api, guard);
    const asked = await ask(place);
    for (const scope of takes) {
      // Every other scope there is, and not the one that stands for all.
      const little = await keyWith(...scopes.filter((other) => other !== scope && other !== 'admin'));
      expect(await send(asked, little), `without ${scope}`).toMatchObject({
        status: 403,
        body: { code: 'missing_scope', details: { scope } },
      });
    }
    const answer = await send(asked, await keyWith(...takes));
    if (typeof outcome === 'object' && 'asked' in outcome) {
      expect(answer.body.code).toBe(outcome.asked);
      return;
    }
    expect(answer.status, answer.text).toBeLessThan(300);
    await check?.(answer, place);
    if (outcome === 'done') return;
    expect(await workBlindly(api, place, kind)).toBe(outcome === 'moves' ? 'moves' : outcome.worked);
  });
});

test('what was queued before the branch was guarded is held up as well', async () => {
  for (const [asked, kind, refused] of [
    [edits, 'edit', 'approval_required'],
    [(place: Place) => rollback(place, 'reset'), 'reset', 'protected_branch'],
    // Even by a worker that makes a reset of a revert.
    [(place: Place) => rollback(place, 'exact'), 'reset', 'protected_branch'],
  ] as const) {
    const place = await openPlace(api, 'open');
    const { path, body } = asked(place);
    await made(path, body);
    await setGuard(api, place, 'protected');
    expect(await workBlindly(api, place, kind)).toBe(refused);
  }
});

test('who may only edit does not get round a gate by way of another branch', async () => {
  const token = await api.keyWith('models:read', 'edits:write');
  const place = await openPlace(api, 'open');
  const gate = { rules: [{ metric: 'locality', min: 0.99 }], canaries: [{ prompt: 'The capital of France is' }] };
  const policy = { ...(await api.get(`${place.address}/policy`)).body, gate, reason: 'strict' };
  const { approval, approval_hours, auto_rollback, reason } = policy;
  const strict = { gate, approval, approval_hours, auto_rollback, protected: false, reason };
  expect((await api.call('PUT', `${place.address}/policy`, { body: strict })).status).toBe(200);
  // The other branch has the gate, too.
  const other = `${place.branch}-other`;
  expect((await api.post(at('/branches'), { name: other, from: place.branch }, { token })).body.gate).toEqual(gate);
  const own = { name: `${other}-2`, from: place.branch, ...laxer };
  expect((await api.post(at('/branches'), own, { token })).body.code).toBe('missing_scope');
  // Nor does the name go from one to the other.
  expect((await api.call('DELETE', place.address, { token })).body.code).toBe('missing_scope');
  await remove(place.address);
  for (const [path, body] of [
    [at('/branches'), { name: place.branch, from: other }],
    [`${place.address}/restore`, {}],
  ] as const)
    expect((await api.post(path, body, { token })).body).toMatchObject({
      code: 'missing_scope',
      details: { scope: 'versions:rollback' },
    });
  // By whoever may reset, it does only with the policy that it had.
  const more = { token: await api.keyWith('edits:write', 'versions:rollback') };
  await made(at('/branches'), { name: `${other}-lax`, from: other, ...laxer });
  const lax = { name: place.branch, from: `${other}-lax` };
  expect((await api.post(at('/branches'), lax, more)).body).toMatchObject({ details: { scope: 'admin' } });
  expect((await api.post(at('/branches'), { ...lax, from: other }, more)).body).toMatchObject({
    gate,
    head: place.head,
  });
});
