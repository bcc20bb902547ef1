// errata demo: a story told on the shipped model, on a stack of its own that is gone afterwards.
import { Argument, type Command } from 'commander';
import { lifelong } from '../demos/lifelong.ts';
import { mainJob } from '../demos/main-job.ts';
import { onStage, type Story } from '../demos/stage.ts';
import { printJson } from '../output/output.ts';

const stories = { main: mainJob, lifelong } satisfies Record<string, Story>;

export function register(program: Command): void {
  program
    .command('demo')
    .description('tell a story on the shipped model on a stack of its own, then stop everything')
    .addArgument(
      new Argument('[story]', 'main: corrections and undo; lifelong: news all day, one bad edit, found and taken back')
        .choices(Object.keys(stories))
        .default('main'),
    )
    .option('--json', 'tell it on standard error, and print what it found as JSON')
    .action(async (story: keyof typeof stories, options: { json?: true }) => {
      const found = await onStage(stories[story], options.json ? console.error : console.log);
      if (options.json) printJson(found);
    });
}
