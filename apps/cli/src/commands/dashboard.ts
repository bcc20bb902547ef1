// errata dashboard: the address of the dashboard, with a link that signs a browser in once where this machine runs the stack.
import { ErrataError } from '@errata/contracts';
import type { Command } from 'commander';
import { given } from '../arguments/environment.ts';
import { printJson } from '../output/output.ts';
import { savedConnection } from '../service/connection.ts';
import { signInAddress } from '../service/sign-in.ts';

export function register(program: Command): void {
  program
    .command('dashboard')
    .description('the address of the dashboard; of the local stack, one that signs in, once and within ten minutes')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const address = await findAddress();
      if (options.json) printJson({ url: address });
      else console.log(address);
    });
}

async function findAddress(): Promise<string> {
  const saved = savedConnection();
  const elsewhere = given('ERRATA_URL');
  if (saved === undefined || (elsewhere !== undefined && elsewhere !== saved.url)) {
    if (elsewhere !== undefined) return `${elsewhere.replace(/\/+(v1\/*)?$/, '')}/`;
    throw new ErrataError('unavailable', 'no service found: start one with `npm start`, or set ERRATA_URL');
  }
  return (await signInAddress(saved)) ?? `${saved.url}/`;
}
