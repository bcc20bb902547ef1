// Branches: their heads, their moves, and the policies they move by.
import type {
  BranchRequest,
  BranchResource,
  GateTest,
  GateTestRequest,
  MoveResource,
  PolicyRequest,
  PolicyRevision,
} from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const branches = ({ get, post, list, json, send }: Caller) => ({
  list: (model: string, query: PageQuery & { readonly deleted?: boolean } = {}) =>
    list<BranchResource>(at`/v1/models/${model}/branches`, {
      ...query,
      deleted: query.deleted === undefined ? undefined : String(query.deleted),
    }),
  get: (model: string, branch: string, call?: CallOptions) =>
    get<BranchResource>(at`/v1/models/${model}/branches/${branch}`, call),
  create: (model: string, request: BranchRequest, call?: CallOptions) =>
    post<BranchResource>(at`/v1/models/${model}/branches`, request, call),
  /** The branch disappears from lists and can no longer be edited; its history and versions stay. */
  async delete(model: string, branch: string, call: CallOptions = {}): Promise<void> {
    await send('DELETE', at`/v1/models/${model}/branches/${branch}`, call);
  },
  /** Brings a deleted branch back as it was; by id where several of its name were deleted. */
  restore: (model: string, branch: string, call?: CallOptions) =>
    post<BranchResource>(at`/v1/models/${model}/branches/${branch}/restore`, undefined, call),
  /** What may move the branch: its gate, approvals, automatic rollback, protection. */
  policy: (model: string, branch: string, call?: CallOptions) =>
    get<PolicyRevision>(at`/v1/models/${model}/branches/${branch}/policy`, call),
  /** Replaces the whole policy; with `if_revision`, only when nobody has changed it meanwhile. */
  setPolicy: (model: string, branch: string, request: PolicyRequest, call: CallOptions = {}) =>
    json<PolicyRevision>('PUT', at`/v1/models/${model}/branches/${branch}/policy`, { ...call, body: request }),
  /** What a gate would have made of the branch's latest batches, by what was measured of them then. */
  testGate: (model: string, branch: string, request: GateTestRequest, call?: CallOptions) =>
    post<GateTest>(at`/v1/models/${model}/branches/${branch}/policy/test`, request, call),
  /** Every policy the branch has had, the latest first. */
  policies: (model: string, branch: string, query: PageQuery = {}) =>
    list<PolicyRevision>(at`/v1/models/${model}/branches/${branch}/policy/history`, { ...query }),
  /** The branch's moves, newest first. */
  log: (model: string, branch: string, query: PageQuery = {}) =>
    list<MoveResource>(at`/v1/models/${model}/branches/${branch}/log`, { ...query }),
});
