import Recipes

/// The order in which a plan's steps may run, and when each value was read for the last time.
struct Schedule: Sendable {
  /// The steps to run, each after all that it reads.
  let order: [StepID]
  /// For each step to run, the steps to run that wait for it.
  let dependants: [StepID: [StepID]]
  /// For each step that hashes what it reads, the steps that it reads: they run with it.
  let hashedLate: [StepID: [StepID]]
  /// How many of the steps to run each of them waits for; none for one that runs with another.
  let waits: [StepID: Int]
  /// How many of the steps to run read each value; after the last it is let go.
  let readers: [StepID: Int]

  init(_ plan: Plan) {
    order = plan.toRun.map(\.id)
    let running = Set(order)
    let late = Set(plan.steps.filter(\.isHashedLate).map(\.id))
    var dependants: [StepID: [StepID]] = [:]
    var waits: [StepID: Int] = [:]
    var readers: [StepID: Int] = [:]
    var hashedLate: [StepID: [StepID]] = [:]
    for planned in plan.toRun {
      let read = Set(planned.step.dependencies)
      if !late.contains(planned.id) { waits[planned.id] = read.intersection(running).subtracting(late).count }
      let unhashed = read.intersection(late)
      if !unhashed.isEmpty { hashedLate[planned.id] = unhashed.sorted() }
      for dependency in read.sorted() {
        readers[dependency, default: 0] += 1
        if running.contains(dependency) { dependants[dependency, default: []].append(planned.id) }
      }
    }
    self.dependants = dependants
    self.waits = waits
    self.readers = readers
    self.hashedLate = hashedLate
  }
}
