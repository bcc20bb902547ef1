// What stands for an editor's module in a browser, where nothing is edited.

export function edit(): never {
  throw new TypeError('models are edited by a service, not in a browser');
}
