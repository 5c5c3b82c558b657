import Diagnostics
import Foundation
import Networks
import Operations
import Tensors

/// A running network with an inventory of skills in it, which one task after the other mixes.
public final class RoutedNetwork {
  public let network: Network
  private let inventory: Content
  fileprivate var task = 0
  /// The noise of this step, from (seed, step, layer); nil where skills are mixed without.
  fileprivate var noise: (seed: Int, step: Int)?

  /// - Throws: `OperationError` where the inventory does not fit the model.
  public init(_ inventory: Content, for base: Content, in network: Network) throws {
    (self.network, self.inventory) = (network, inventory)
    let adapted = try AdaptedModel(Poly.forTask(0, of: inventory), for: base)
    let targets = Dictionary(uniqueKeysWithValues: network.blueprint.linearLayers.map { ($0.weight, $0) })
    for parameter in network.weights.all { parameter.isTrainable = false }
    for (path, layer) in adapted.reading.layers {
      guard case .scaled(let scale, .product(let maps)) = layer.onInput, case .mixture(let b) = maps[0],
        case .mixture(let a) = maps[1], let target = targets[path + ".weight"], !target.isTransposed
      else {
        throw OperationError(
          .step, "`\(inventory.label)` changes `\(path)`, which is no plain linear layer of the network")
      }
      for entry in [a.bank, b.bank, a.router] {
        network.weights.add(Parameter(entry.name, try adapted.reading.read(entry), isTrainable: true), as: entry.name)
      }
      network.weights.changes[target.path] = MixedLayer(owner: self, path: path, scale: scale, a: a, b: b)
    }
  }

  /// Whether a parameter is a router's.
  public static func isRouter(_ parameter: Parameter) -> Bool { parameter.name.hasSuffix("module_logits") }

  /// What the next passes are for.
  public func choose(task: Int, noise: (seed: Int, step: Int)?) { (self.task, self.noise) = (task, noise) }

  /// The inventory as it is now.
  public var content: Content { inventory.taking(tensorsOf: network) }
}

/// A layer with the skills of its task.
private struct MixedLayer: LayerChange {
  unowned let owner: RoutedNetwork
  let path: String
  let scale: Double
  let a: SkillMixture
  let b: SkillMixture

  func output(_ pass: Pass, _ x: Variable, layer: (Variable) -> Variable) -> Variable {
    let logits = pass.parameter(a.router.name, a.router.shape)
    let noise = owner.noise.map { noise -> [Double] in
      var generator = Generator(seed: noise.seed, stream: "routing", path, "step \(noise.step)")
      return (0..<a.router.shape[1]).map { _ in
        let u = min(max(generator.uniform(), 1e-12), 1 - 1e-12)
        return log(u) - log(1 - u)
      }
    }
    func factor(_ mixture: SkillMixture, isOuter: Bool) -> Variable {
      pass.mix(
        pass.parameter(mixture.bank.name, mixture.bank.shape), logits, task: owner.task, isOuter: isOuter,
        noise: noise ?? [])
    }
    let inner = pass.product(x, factor(a, isOuter: false))
    return pass.add(layer(x), pass.scale(pass.product(inner, factor(b, isOuter: true)), by: scale))
  }
}
