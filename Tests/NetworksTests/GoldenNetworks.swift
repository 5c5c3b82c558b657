import Formats
import Foundation
import GoldenNumbers
import Tensors
import Testing

@testable import Networks

/// Networks of every architecture beside `transformers`: outputs and gradients for weights that nobody trained.
struct GoldenNetworks {
  struct Case: CustomTestStringConvertible, Sendable {
    let json: JSON
    var name: String { json["name"]?.string ?? "" }
    var testDescription: String { name }
    var config: JSON { json["config"] ?? .null }

    var batch: Batch {
      if let shape = json["shape"]?.array?.compactMap(\.integer) {
        let numbers = GoldenNumbers.hashed("pixels \(name)", shape.reduce(1, *)).map { 2 * Float($0) }
        return .numbers(Tensor(numbers, shape: Shape(shape)))
      }
      let counts = json["counts"]?.array?.compactMap(\.integer) ?? []
      let rows = json["tokens"]?.array?.map { $0.array?.compactMap(\.integer) ?? [] } ?? []
      let types = json["types"]?.array?.map { $0.array?.compactMap(\.integer) ?? [] } ?? []
      return .texts(
        TextBatch(
          zip(rows, counts).map { Array($0.prefix($1)) }, types: zip(types, counts).map { Array($0.prefix($1)) },
          padding: config["pad_token_id"]?.integer ?? 0))
    }
  }

  /// Those of `networks.py`, or of the file that `NETWORK_GOLDEN` names.
  static let cases: [Case] = {
    let own = Bundle.module.url(forResource: "networks", withExtension: "json", subdirectory: "Golden")
    let other = ProcessInfo.processInfo.environment["NETWORK_GOLDEN"].map { URL(fileURLWithPath: $0) }
    guard let file = other ?? own, let data = try? Data(contentsOf: file), let json = try? JSON(parsing: Array(data))
    else { return [] }
    return (json.array ?? []).map { Case(json: $0) }
  }()

  /// What is compared, in the order in which `float32` says how far PyTorch's is from float64.
  private enum Compared: Int { case output, gradient, fisher }

  /// How far an output may be off, or a gradient or Fisher information beside its norm: 1e-4, and more only where little errors
  /// grow in a network, so that PyTorch's own float32 is as far from float64.
  private func slack(_ compared: Compared, _ test: Case) -> Double {
    let float32 = test.json["float32"]?.array ?? []
    return max(1e-4, float32.indices.contains(compared.rawValue) ? 4 * (float32[compared.rawValue].number ?? 0) : 0)
  }

  func network(_ test: Case, isTrainable: Bool) throws -> Network {
    let config = ModelConfig(test.config, of: test.name)
    let (architecture, head) = (try Architectures.architecture(config), try Head(config))
    let names = try Blueprint.asked(architecture, head, config).all
    let isBody = head == .none
    let tensors = names.map { (isBody ? String($0.name.dropFirst(architecture.prefix.count)) : $0.name, $0.shape) }
    let network = try Blueprint(config: test.config, tensors: tensors, of: test.name).network { name in
      guard let shape = tensors.first(where: { $0.0 == name })?.1 else {
        preconditionFailure("`\(name)` is one of them")
      }
      return GoldenNumbers.weight(name, shape)
    }
    for parameter in network.weights.all { parameter.isTrainable = isTrainable }
    return network
  }

  @Test func `there are networks to compare`() { #expect(Self.cases.count >= 14) }

  @Test(arguments: cases) func `outputs are those of transformers`(_ test: Case) throws {
    let output = try network(test, isTrainable: false).output(test.batch)
    let expected = (test.json["output"]?.array ?? []).compactMap(\.number)
    #expect(output.shape.count == expected.count)
    let kept = mask(test, output.shape)
    let worst = zip(zip(output.entries, kept), expected).map { abs(Double($0.0) * $0.1 - $1) }.max() ?? 0
    #expect(worst < slack(.output, test))
  }

  @Test(arguments: cases) func `losses are those of transformers`(_ test: Case) throws {
    guard let loss = test.json["loss"]?.number, case .texts(let texts) = test.batch else { return }
    let network = try network(test, isTrainable: false)
    let labels = (test.json["labels"]?.array ?? []).map { $0.integer.flatMap { $0 < 0 ? nil : $0 } }
    let isNext = network.blueprint.head == .causalLanguageModel
    let objective = Objective(
      isNext ? .nextTokens(of: texts, unscored: texts.counts.map { _ in 1 }) : .classes(labels))
    let found = objective.losses(network.output(test.batch)).reduce(0, +) / Double(objective.count)
    #expect(abs(found - loss) < 1e-5 * max(1, loss))
  }

  @Test(arguments: cases, [false, true]) func `gradients are those of transformers`(
    _ test: Case, recomputes: Bool
  ) throws {
    let network = try network(test, isTrainable: true)
    let pass = Pass(Tape(network.memory, recording: true), network.weights, recomputes: recomputes)
    let output = network.output(pass, test.batch)
    let sink = SummedGradients(network.memory)
    let factors = GoldenNumbers.hashed("combination \(test.name)", output.shape.count)
    let kept = mask(test, output.shape)
    pass.tape.backward(from: output, into: sink) { gradient in
      for index in gradient.indices { gradient[index] = Float(factors[index] * kept[index]) }
    }
    for (name, numbers) in (test.json["gradients"]?.object ?? []).map({ ($0.name, $0.value.array ?? []) }) {
      guard let parameter = network.weights.all.first(where: { $0.name == name }),
        let gradient = sink.gradient(of: parameter)?.doubles, let norm = numbers[0].number,
        let product = numbers[1].number
      else {
        Issue.record("`\(name)` got no gradient")
        continue
      }
      let found = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let probe = GoldenNumbers.hashed("probe \(name)", gradient.count)
      let along = zip(gradient, probe).reduce(0) { $0 + $1.0 * $1.1 }
      let slack = slack(.gradient, test) * norm + 1e-5
      #expect(abs(found - norm) < slack, "\(name)")
      #expect(abs(along - product) < slack, "\(name)")
    }
  }

  @Test(arguments: cases, ["expected", "empirical"]) func `Fisher information is that of one example after the other`(
    _ test: Case, kind: String
  ) throws {
    guard let golden = test.json["fisher"]?[kind]?.object else { return }
    let network = try network(test, isTrainable: true)
    let batch = test.batch
    let targets: Targets
    if case .classification(let classes) = network.blueprint.head {
      targets = .classes((0..<batch.examples).map { $0 % classes })
    } else {
      guard case .texts(let texts) = batch else { return }
      targets = .nextTokens(of: texts, unscored: texts.counts.map { _ in 1 })
    }
    let information = FisherInformation(of: network, kind == "expected" ? .expected : .empirical)
    information.add(batch, Objective(targets))
    for member in golden {
      guard let parameter = network.weights.all.first(where: { $0.name == member.name }),
        let numbers = member.value.array?.compactMap(\.number)
      else {
        // Some files carry weights that their head does not use.
        #expect(member.value.array?.compactMap(\.number) == [0, 0], "\(member.name)")
        continue
      }
      let found = information.estimate(of: parameter)
      let norm = found.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let along = zip(found, GoldenNumbers.hashed("probe \(member.name)", found.count)).reduce(0) { $0 + $1.0 * $1.1 }
      let slack = slack(.fisher, test) * numbers[0] + 1e-9
      #expect(abs(norm - numbers[0]) < slack, "\(member.name)")
      #expect(abs(along - numbers[1]) < slack, "\(member.name)")
    }
  }

  /// 0 at padding of outputs that have a place for each token.
  private func mask(_ test: Case, _ shape: Shape) -> [Double] {
    guard case .texts(let batch) = test.batch, shape.rank == 3 else { return Array(repeating: 1, count: shape.count) }
    return batch.counts.flatMap { count in
      (0..<batch.length).flatMap { Array(repeating: $0 < count ? 1.0 : 0, count: shape[2]) }
    }
  }
}
