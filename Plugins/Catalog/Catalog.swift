import Adapting
import Files
import Learning
import Measuring
import Merging
import Operations
import Searching

extension Operations.Catalog {
  /// Every plugin there is: a new one is a line here.
  public static let standard = Operations.Catalog([
    .files,
    .merging,
    .adapting,
    .learning,
    .measuring,
    .searching,
  ])
}
