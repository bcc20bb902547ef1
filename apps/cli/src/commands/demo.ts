// errata demo: a story told on the shipped model, on a stack of its own that is gone afterwards.
import { Argument, type Command } from 'commander';
import { lifelong } from '../demos/lifelong.ts';
import { mainJob } from '../demos/main-job.ts';
import { onStage } from '../demos/stage.ts';

const stories = { main: mainJob, lifelong } as const;
type Story = keyof typeof stories;

export function register(program: Command): void {
  program
    .command('demo')
    .description('tell a story on the shipped model on a stack of its own, then stop everything')
    .addArgument(
      new Argument('[story]', 'main: corrections and undo; lifelong: news all day, one bad edit, found and taken back')
        .choices(Object.keys(stories))
        .default('main'),
    )
    .action((story: Story) => onStage(stories[story]));
}
