// errata ask: the answer of any version to a prompt.
import type { Command } from 'commander';
import colors from 'picocolors';
import { atLeastOne, numberIn } from '../arguments/numbers.ts';
import { printJson, short } from '../output/output.ts';
import { connect } from '../service/connection.ts';

export function register(program: Command): void {
  program
    .command('ask <model[@branch|@version]> <prompt...>')
    .description('complete prompts on a branch or a version')
    .option('--max-tokens <n>', 'tokens to generate', atLeastOne, 8)
    .option('--temperature <t>', '0 is greedy', numberIn(0, 5), 0)
    .option('--json', 'print JSON')
    .action(
      async (model: string, prompts: string[], options: { maxTokens: number; temperature: number; json?: true }) => {
        const answer = await connect().completions.create({
          model,
          prompt: prompts,
          max_tokens: options.maxTokens,
          temperature: options.temperature,
          stop: '\n',
        });
        if (options.json) return printJson(answer);
        for (const choice of answer.choices) console.log(`${prompts[choice.index]}${colors.green(choice.text)}`);
        console.log(colors.dim(short(answer.version)));
      },
    );
}
