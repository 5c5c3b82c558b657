import Diagnostics
import Operations

/// An inventory of skills that tasks mix (Poly, Ponti et al. 2023; with several splits MHR, Caccia et al. 2023).
///
/// For one task the layer is W + B A / r, with A and B as `SkillMixture` mixes them. An adapter of one task is like any other;
/// of several, `route` takes one.
public struct Poly: AdapterKind {
  public static let type = "POLY"
  public static let parts: [AdapterPart] = ["poly_lora_A", "poly_lora_B", "poly_router.module_logits"]
  public static let fields: Set<String> = ["r", "n_tasks", "n_skills", "n_splits", "poly_type", "init_weights", "task"]

  private let task: Int

  public init(_ config: AdapterConfig) throws {
    let tasks = Int(config.number("n_tasks", 1))
    task = Int(config.number("task", 0))
    guard tasks == 1 || config.json["task"] != nil else {
      throw OperationError(
        .data, "`\(config.label)` mixes its skills for \(tasks) tasks, and which is meant is not said",
        helps: ["`route` makes an adapter for one task of it"])
    }
    guard task < tasks, task >= 0 else {
      throw OperationError(.step, "`\(config.label)` has tasks 0 to \(tasks - 1), and no task \(task)")
    }
  }

  public func layer(_ module: AdapterModule) throws -> AdaptedLayer {
    let router = try module.need("poly_router.module_logits")
    let (a, b) = (try module.need("poly_lora_A"), try module.need("poly_lora_B"))
    let rank = Double(a.shape.axes.last ?? 1)
    return AdaptedLayer(
      onInput: .scaled(
        1 / rank,
        .product([
          .mixture(SkillMixture(b, router, .output, task: task)), .mixture(SkillMixture(a, router, .input, task: task)),
        ])))
  }
}

extension Poly {
  /// An inventory as an adapter for one of its tasks.
  public static func forTask(_ task: Int, of inventory: Content) -> Content {
    var adapter = Content(
      .adapter, facts: inventory.facts.setting("task", to: .integer(task)), tensors: inventory.tensors)
    adapter.label = inventory.label
    return adapter
  }
}
