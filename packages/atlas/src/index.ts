// The face of @errata/atlas: the world the shipped model knows, its training and its edit sets.
export { toCounterFact } from './edits/counterfact.ts';
export { drawEdits, toJsonl, type WorldEdit } from './edits/edit-set.ts';
export { atlasDirectory, corpusText } from './model-files.ts';
export { atlasRecipe, type Recipe } from './training/recipe.ts';
export {
  buildWorld,
  type Composition,
  type Entity,
  type Fact,
  fill,
  type Relation,
  type World,
} from './world/world.ts';
