// errata gate: shows what may move a branch, changes it, and shows who changed it.
import {
  approvalChoices,
  autoRollbackChoices,
  type BranchPolicy,
  type Canary,
  ErrataError,
  type GatePolicy,
  type GateRule,
  gateFailureChoices,
  type PolicyRevision,
  rulesOf,
  type StoredGate,
} from '@errata/contracts';
import { type Command, Option } from 'commander';
import colors from 'picocolors';
import { readText } from '../arguments/files.ts';
import { readGate } from '../arguments/gate-file.ts';
import { describeRule, dropRules, parseCanary, parseRule, setRules } from '../arguments/gate-rules.ts';
import { atLeastOne, wholeNumber } from '../arguments/numbers.ts';
import { parseReference } from '../arguments/references.ts';
import { printJson } from '../output/output.ts';
import { connect } from '../service/connection.ts';

interface Changes {
  reason: string;
  file?: string;
  rule?: GateRule[];
  drop?: string[];
  canary?: Canary[];
  dropCanary?: string[];
  heldText?: string;
  onFailure?: NonNullable<GatePolicy['on_failure']>;
  approval?: BranchPolicy['approval'];
  approvalHours?: number | null;
  autoRollback?: BranchPolicy['auto_rollback'];
  protect?: boolean;
  json?: true;
}

const gather =
  <T>(read: (text: string) => T) =>
  (text: string, known: T[] = []): T[] => [...known, read(text)];

export function register(program: Command): void {
  const gate = program
    .command('gate')
    .description('what may move a branch: thresholds, canaries, approvals, protection');

  gate
    .command('show <model[@branch]>')
    .description('the policy of a branch')
    .option('--json', 'print JSON')
    .action(async (reference: string, options: { json?: true }) => {
      const { model, at: branch } = parseReference(reference);
      const policy = await connect().branches.policy(model, branch);
      if (options.json) printJson(policy);
      else console.log(describe(model, policy));
    });

  gate
    .command('log <model[@branch]>')
    .description('every policy the branch has had, the latest first')
    .option('--limit <n>', 'how many', atLeastOne, 20)
    .option('--json', 'print JSON')
    .action(async (reference: string, options: { limit: number; json?: true }) => {
      const { model, at: branch } = parseReference(reference);
      const policies = await connect().branches.policies(model, branch).all(options.limit);
      if (options.json) return printJson(policies);
      for (const policy of policies) console.log(`${describe(model, policy)}\n`);
    });

  gate
    .command('set <model[@branch]>')
    .description('change what is given; what is not given stays')
    .requiredOption('--reason <text>', 'why; it is kept in the log')
    .option('--file <json>', 'the whole gate from a file: rules, canaries, held_text, on_failure')
    .option('--rule <rule>', 'METRIC[@parent|@base][/each]>=NUMBER or <=NUMBER; repeatable', gather(parseRule))
    .option('--drop <metric...>', 'take rules out, named as in --rule without the bound')
    .option(
      '--canary <prompt>',
      'a prompt whose answer must stay, or PROMPT => ANSWER; repeatable',
      gather(parseCanary),
    )
    .option('--drop-canary <prompt...>', 'take canaries out')
    .option('--held-text <file>', 'the text that perplexity is measured on')
    .addOption(new Option('--on-failure <choice>', 'what a batch that fails comes to').choices(gateFailureChoices))
    .addOption(new Option('--approval <choice>', 'whether a second person must approve').choices(approvalChoices))
    .option('--approval-hours <n>', 'reject what nobody approved in time; 0 for no limit', (text: string) =>
      wholeNumber(text) === 0 ? null : wholeNumber(text),
    )
    .addOption(
      new Option('--auto-rollback <choice>', 'what a later evaluation that fails does').choices(autoRollbackChoices),
    )
    .option('--protect', 'no resets, no deletion, nothing without an approval')
    .option('--no-protect', 'take the protection off')
    .option('--json', 'print JSON')
    .action(async (reference: string, options: Changes) => {
      const { model, at: branch } = parseReference(reference);
      const client = connect();
      const now = await client.branches.policy(model, branch);
      const changed = await client.branches.setPolicy(model, branch, {
        gate: await changedGate(now.gate, options),
        approval: options.approval ?? now.approval,
        approval_hours: options.approvalHours === undefined ? now.approval_hours : options.approvalHours,
        auto_rollback: options.autoRollback ?? now.auto_rollback,
        protected: options.protect ?? now.protected,
        reason: options.reason,
        // What is shown above is what is changed, or nothing is.
        if_revision: now.revision,
      });
      if (options.json) printJson(changed);
      else console.log(describe(model, changed));
    });
}

async function changedGate({ not_understood = [], ...now }: StoredGate, options: Changes): Promise<GatePolicy> {
  if (not_understood.length > 0 && options.file === undefined) {
    const names = not_understood.map(({ name }) => name).join(', ');
    const message = `this build does not understand all of the gate (${names}), and would lose it: give the whole gate with --file`;
    throw new ErrataError('invalid_request', message);
  }
  const from = options.file === undefined ? now : await readGate(options.file);
  const dropped = options.dropCanary ?? [];
  const named = new Set([...dropped, ...(options.canary ?? []).map(({ prompt }) => prompt)]);
  const missing = dropped.find((prompt) => !from.canaries?.some((canary) => canary.prompt === prompt));
  if (missing !== undefined) throw new ErrataError('invalid_request', `there is no canary ${JSON.stringify(missing)}`);
  const canaries = [...(from.canaries ?? []).filter(({ prompt }) => !named.has(prompt)), ...(options.canary ?? [])];
  const { canaries: _, ...rest } = from;
  return {
    ...rest,
    rules: setRules(dropRules(from.rules, options.drop ?? []), options.rule ?? []),
    ...(canaries.length === 0 ? {} : { canaries }),
    ...(options.heldText === undefined ? {} : { held_text: await readText(options.heldText) }),
    ...(options.onFailure === undefined ? {} : { on_failure: options.onFailure }),
  };
}

function describe(model: string, policy: PolicyRevision): string {
  const { gate, approval, approval_hours, auto_rollback } = policy;
  const hours = approval_hours === null ? '' : `, within ${approval_hours} hours`;
  const rows: [string, string][] = [
    ['rules', rulesOf(gate).map(describeRule).join('  ') || 'none'],
    ...(gate.not_understood ?? []).map(({ name, why }): [string, string] => [
      'unknown',
      `${name}: ${why}; nothing passes until it is changed`,
    ]),
    ...(gate.canaries ?? []).map(({ prompt, answer }): [string, string] => [
      'canary',
      `${JSON.stringify(prompt)} ${answer === undefined ? 'as its parent answers' : `=> ${JSON.stringify(answer)}`}`,
    ]),
    ...(gate.held_text === undefined
      ? []
      : [['held text', `${gate.held_text.length} characters of its own`] as [string, string]]),
    ['on failure', gate.on_failure === 'bisect' ? 'bisect: apply what passes, return the rest' : 'refuse the batch'],
    ['approval', approval === 'required' || policy.protected ? `by a second person${hours}` : 'not needed'],
    ['rollback', auto_rollback === 'reset' ? 'automatic, when a later evaluation fails' : 'by hand'],
    ['protected', policy.protected ? 'yes: no resets, no deletion' : 'no'],
  ];
  const who = policy.changed_by === null ? '' : ` by ${policy.changed_by}`;
  const head = `${colors.yellow(`${model}@${policy.branch}`)} policy ${policy.revision}  ${colors.dim(`${policy.created_at}${who}`)}`;
  const reason = policy.reason === null ? [] : [`    ${policy.reason}`];
  return [head, ...reason, ...rows.map(([name, value]) => `  ${name.padEnd(10)}  ${value}`)].join('\n');
}
