// The order of a test run's files: those that start whole services go first, lest one of them goes on alone when all else is done.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const startsServices = ({ moduleId }: TestSpecification): boolean => /\/test\/(?:.*\/)?[^/]+\.test\.ts$/.test(moduleId);

export default class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(startsServices), ...sorted.filter((file) => !startsServices(file))];
  }
}
