import Diagnostics
import Operations
import Recipes
import Registry

/// How one step ended.
public enum Outcome: Sendable {
  case ran(Run)
  /// Its inputs came out as they had before, or another process had just made it: the result was there.
  case reused(Run)
  case failed(OperationError)
  /// Something that it reads failed.
  case skipped(because: StepID)
  /// The user stopped the run before it was done.
  case interrupted
}

/// What happens while a plan runs, for whoever shows it. Events come from several threads.
public enum RunEvent: Sendable {
  case started(StepID)
  case progress(StepID, Context.Progress)
  /// Bytes of the result that are written, of all that will be.
  case storing(StepID, done: Int, total: Int)
  /// Another process is making it; the text names it.
  case waiting(StepID, String)
  case ended(StepID, Outcome)
}
