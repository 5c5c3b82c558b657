import Recipes

/// The order in which a plan's steps may run, and when each value was read for the last time.
struct Schedule: Sendable {
  /// The steps to run, each after all that it reads.
  let order: [StepID]
  /// For each step to run, the steps to run that wait for it.
  let dependants: [StepID: [StepID]]
  /// How many of the steps to run each of them waits for.
  let waits: [StepID: Int]
  /// How many of the steps to run read each value; after the last it is let go.
  let readers: [StepID: Int]

  init(_ plan: Plan) {
    order = plan.toRun.map(\.id)
    let running = Set(order)
    var dependants: [StepID: [StepID]] = [:]
    var waits: [StepID: Int] = [:]
    var readers: [StepID: Int] = [:]
    for planned in plan.toRun {
      let read = Set(planned.step.dependencies)
      waits[planned.id] = read.intersection(running).count
      for dependency in read.sorted() {
        readers[dependency, default: 0] += 1
        if running.contains(dependency) { dependants[dependency, default: []].append(planned.id) }
      }
    }
    self.dependants = dependants
    self.waits = waits
    self.readers = readers
  }
}
