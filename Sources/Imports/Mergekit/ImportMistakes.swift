import Diagnostics
import Operations

// The texts of all mistakes of a file of arcee's mergekit, in the order of their names.

extension Diagnostic {
  static func ambiguousNumber(at place: Place) -> Diagnostic {
    Diagnostic(
      "a number that begins with 0 is octal to YAML 1.1 and decimal to YAML 1.2", at: place,
      helps: ["leave the zero out"])
  }

  static func baseMissing(_ method: Located<MergeMethod>) -> Diagnostic {
    Diagnostic(
      "`\(method.value.name)` needs `base_model`", at: method.place,
      helps: ["add `base_model: …`, the model that the others were fine-tuned from"])
  }

  static func baseNotInSlice(_ base: ModelReference, of method: MergeMethod) -> Diagnostic {
    Diagnostic(
      "`\(method.name)` needs its base in every slice", at: base.place, label: "this is no source of some slice",
      notes: ["mergekit adds the base to `models`, but not to `slices`"],
      helps: ["list it among the slice's `sources`, with the layers to compare with"])
  }

  static func baseOfMixtureMissing(at place: Place) -> Diagnostic {
    Diagnostic(
      "a mixture of experts needs `base_model`", at: place,
      notes: ["everything but the experts is taken from it"])
  }

  static func bodyUnclear(_ given: [YAMLMember], at place: Place) -> Diagnostic {
    let wanted = "a merge has `models`, `slices` or `modules`"
    guard given.count > 1 else { return Diagnostic("\(wanted), and here is none of them", at: place) }
    return Diagnostic(
      "\(wanted), and only one of them", at: given[1].keyPlace, label: "and here",
      others: [.init(given[0].keyPlace, "here")])
  }

  static func chatTemplateUnknown(_ template: Located<String>, _ names: [String]) -> Diagnostic {
    let nearest = NearestName.of(template.value, among: names)
    return Diagnostic(
      "there is no chat template `\(template.value)`", at: template.place,
      label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: ["there are \(listed(names)); anything else is a template in Jinja, of 20 characters or more with `{`"])
  }

  static func emptyDocument(at place: Place) -> Diagnostic {
    Diagnostic("there is no merge here", at: place, helps: ["a merge has at least `merge_method` and `models`"])
  }

  static func emptySetting(_ name: String, at place: Place) -> Diagnostic {
    Diagnostic(
      "`\(name)` is an empty list", at: place, notes: ["mergekit stops at it when the merge is under way"],
      helps: ["give a number, or remove the key"])
  }

  static func expertsMissing(at place: Place) -> Diagnostic {
    Diagnostic("a mixture of experts has experts", at: place, helps: ["write `experts: [{source_model: …}]`"])
  }

  static func filterOutsideList(_ name: String, at place: Place) -> Diagnostic {
    Diagnostic(
      "values with filters stand in a list", at: place,
      notes: ["earlier versions of mergekit read this, and stop at it when the merge is under way"],
      helps: ["put a dash before it: `\(name):` and below `- filter: …`"])
  }

  static func filterUnused(_ arm: SettingArm, holds: Bool) -> Diagnostic {
    let filter = arm.filter ?? "*"
    let message =
      holds ? "this value is never reached: others take all tensors first" : "no tensor's name holds `\(filter)`"
    let isPattern = filter.contains { "*?[^$".contains($0) }
    return Diagnostic(
      .warning, message, at: arm.place, label: "left out",
      notes: !holds && isPattern ? ["a filter is a part of a name as it is: `*` and `.` stand for themselves"] : [])
  }

  static func flagOfYAML11(_ node: YAMLNode, _ flag: Bool) -> Diagnostic {
    Diagnostic(
      .warning, "`\(node.place.text)` is a flag to YAML 1.1, which mergekit reads, and a text to YAML 1.2",
      at: node.place,
      label: "taken for `\(flag)`", helps: ["write `\(flag)`"])
  }

  static func gateUnknown(_ name: String, at place: Place) -> Diagnostic {
    let names = (Array(MixtureDocument.promptGates.keys) + MixtureDocument.gates.keys).sorted()
    let nearest = NearestName.of(name, among: names)
    return Diagnostic(
      "mergekit has no `gate_mode` of `\(name)`", at: place, label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: nearest == nil ? ["it has \(listed(names))"] : [])
  }

  static func lastStageUsed(at place: Place) -> Diagnostic {
    Diagnostic(
      "the last merge is the one that is kept, so no other is made of it", at: place,
      helps: ["put the merge that uses it last"])
  }

  static func layerCounts(
    _ name: String, _ count: Int, at place: Place, first: String, _ firstCount: Int
  ) -> Diagnostic {
    Diagnostic(
      "models are merged layer by layer, but `\(name)` gives \(count) layers and `\(first)` \(firstCount)", at: place)
  }

  static func layersBeyond(_ layers: Located<Range<Int>>, model: String, count: Int) -> Diagnostic {
    Diagnostic(
      "`\(model)` has \(count) layers, numbered from 0", at: layers.place,
      label: "this ends behind layer \(layers.value.upperBound - 1)", helps: ["for all of them, write `[0, \(count)]`"])
  }

  static func layersMissing(at place: Place) -> Diagnostic {
    Diagnostic("a source of a slice needs `layer_range`", at: place, helps: ["write `layer_range: [FIRST, END]`"])
  }

  static func layersUnfit(_ numbers: [Int], at place: Place) -> Diagnostic {
    Diagnostic(
      "`layer_range` is a list of two whole numbers: the first layer, and the one behind the last", at: place,
      notes: numbers.contains { $0 < 0 } ? ["layers are counted from 0, and a negative number means nothing"] : [])
  }

  static func methodMissing(at place: Place) -> Diagnostic {
    Diagnostic("a merge needs `merge_method`", at: place, helps: ["for an average, write `merge_method: linear`"])
  }

  static func methodNotSupported(_ method: Located<MergeMethod>) -> Diagnostic {
    .notSupported("the method `\(method.value.name)`", at: method.place, helps: ["`mergekit ops` lists what there is"])
  }

  static func methodUnknown(_ name: Located<String>) -> Diagnostic {
    let names = MergeMethod.all.map(\.name)
    let nearest = NearestName.of(name.value, among: names)
    return Diagnostic(
      "mergekit has no method `\(name.value)`", at: name.place, label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: nearest == nil ? ["it has \(listed(names))"] : [])
  }

  static func mixedSetting(_ name: String, at place: Place) -> Diagnostic {
    Diagnostic(
      "`\(name)` is a list of numbers or a list of values with filters, not both", at: place,
      helps: ["for a value without a filter, write `- value: …`"])
  }

  static func mixtureAmongOthers(at place: Place) -> Diagnostic {
    .notSupported(
      "a mixture of experts in a file of several merges", at: place,
      helps: ["import each as a file of its own; `mergekit describe moe` says how a recipe makes one"])
  }

  static func modelMissing(_ keyPlace: KeyPlace, at place: Place) -> Diagnostic {
    let key = keyPlace == .referencePart ? "path" : keyPlace == .expert ? "source_model" : "model"
    return Diagnostic("\(keyPlace.text) needs `\(key)`", at: place)
  }

  static func modelNotThere(
    _ part: ModelReference.Part, _ kind: String, in search: ModelSearch, at place: Place
  ) -> Diagnostic {
    let parts = part.path.split(separator: "/", omittingEmptySubsequences: false)
    let isHubName = parts.count == 2 && !part.path.hasPrefix(".") && !parts.contains("")
    var notes: [String] = []
    if !part.path.hasPrefix("/") { notes.append("paths of the file are seen from `\(search.directory)`") }
    if isHubName, let cache = search.cache { notes.append("the Hub's cache, `\(cache.folder)`, has it neither") }
    let revision = part.revision.map { " --revision \($0)" } ?? ""
    return Diagnostic(
      "there is no \(kind) at `\(part.path)`" + (part.revision.map { ", revision `\($0)`" } ?? ""), at: place,
      notes: notes,
      helps: isHubName
        ? [
          "if it is on the Hub, `hf download \(part.path)\(revision)` puts it into the cache",
          "where it lies elsewhere as `\(parts[1])` or `\(part.path)`, name that folder with `--models`",
        ] : [])
  }

  static func modelTwice(_ source: MergeSource, first: Place) -> Diagnostic {
    Diagnostic(
      .warning, "`\(source.reference.text)` is listed twice, and counts once, as in mergekit", at: source.place,
      others: [.init(first, "first here")])
  }

  static func moduleLeftOut(_ part: String, _ lead: String, at place: Place) -> Diagnostic {
    Diagnostic(
      .warning, "`modules` says nothing of `\(part)`, so it is that of `\(lead)`", at: place,
      notes: ["mergekit would write a model without it"])
  }

  static func moduleUnknown(_ name: Located<String>, parts: [String]) -> Diagnostic {
    let nearest = NearestName.of(name.value, among: parts)
    return Diagnostic(
      "the models have no part `\(name.value)`", at: name.place, label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: ["they have \(listed(parts))"])
  }

  static func noOneStack(_ name: String, _ stacks: [String], at place: Place) -> Diagnostic {
    guard !stacks.isEmpty else { return Diagnostic("`\(name)` has no layers", at: place) }
    return .notSupported(
      "slices of a model with several stacks of layers", at: place, helps: [],
      notes: ["`\(name)` has \(listed(stacks))"])
  }

  static func notSupported(_ what: String, at place: Place, helps: [String], notes: [String] = []) -> Diagnostic {
    Diagnostic("not supported yet: \(what)", at: place, notes: notes, helps: helps)
  }

  static func operandCount(_ method: Located<MergeMethod>, wanted: String, names: [String]) -> Diagnostic {
    Diagnostic(
      "`\(method.value.name)` needs \(wanted)", at: method.place,
      notes: [names.isEmpty ? "here is none" : "here are \(listed(names))"])
  }

  static func parameterMissing(_ parameter: MergeMethod.Parameter, of method: Located<MergeMethod>) -> Diagnostic {
    Diagnostic(
      "`\(method.value.name)` needs `\(parameter.name)`", at: method.place, label: "some tensor is left without",
      helps: ["write it under the `parameters` of the merge: `\(parameter.name): …`"])
  }

  static func parameterOfNoModel(_ member: YAMLMember, of method: MergeMethod, _ keyPlace: KeyPlace) -> Diagnostic {
    Diagnostic(
      "`\(member.key)` of `\(method.name)` is one for all models, and nothing looks for it in \(keyPlace.text)",
      at: member.keyPlace, label: "mergekit passes over it",
      helps: ["move it to the `parameters` of \(keyPlace == .source ? "the slice or of the merge" : "the merge")"])
  }

  static func parameterUnknown(_ member: YAMLMember, of method: MergeMethod) -> Diagnostic {
    let names = method.parameters.map(\.name)
    let nearest = NearestName.of(member.key, among: names)
    let note =
      names.isEmpty ? "`\(method.name)` has no parameters" : "the parameters of `\(method.name)` are \(listed(names))"
    return Diagnostic(
      "`\(method.name)` has no parameter `\(member.key)`", at: member.keyPlace,
      label: nearest.map { "did you mean `\($0)`?" } ?? "mergekit passes over it", notes: [note])
  }

  static func precisionUnknown(_ key: String, _ name: Located<String>) -> Diagnostic {
    let nearest = NearestName.of(name.value, among: FloatPrecision.allCases.map(\.torchName))
    return Diagnostic(
      "`\(key)` names no float that a model is written in", at: name.place,
      label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: ["there are \(listed(FloatPrecision.allCases.map(\.torchName)))"])
  }

  static func promptsMissing(isShared: Bool, at place: Place) -> Diagnostic {
    Diagnostic(
      "\(isShared ? "a shared expert" : "an expert") needs `positive_prompts` where routers begin from prompts",
      at: place,
      notes: ["they do unless `gate_mode` is `random` or `uniform_random`"])
  }

  static func referenceUnclear(at place: Place) -> Diagnostic {
    Diagnostic(
      "a model's name is `PATH`, with `@REVISION` and `+ADAPTER` behind it at most once each", at: place,
      notes: ["a path with `+` or `@` in it cannot be written so: mergekit takes them for these signs"])
  }

  static func revisionOfFolder(_ part: ModelReference.Part, _ revision: String, at place: Place) -> Diagnostic {
    Diagnostic(
      .warning, "`\(part.path)` is a folder, and a folder has no revisions", at: place,
      label: "`@\(revision)` is passed over, as in mergekit")
  }

  static func settingOfBase(_ setting: Setting, _ base: String) -> Diagnostic {
    Diagnostic(
      .warning, "the base is what the others are compared with, so its `\(setting.name)` counts for nothing",
      at: setting.keyPlace, label: "left out")
  }

  static func slicesNotSupported(at place: Place) -> Diagnostic {
    .notSupported("layers of one model among those of others", at: place, helps: [])
  }

  static func slotNotSupported(_ slot: String, of operation: String, for name: String, at place: Place) -> Diagnostic {
    .notSupported("`\(name)`, for `\(operation)` has no `\(slot)`", at: place, helps: [])
  }

  static func sourcesMissing(at place: Place) -> Diagnostic {
    Diagnostic("a slice needs `sources`", at: place, helps: ["list the models, each with its `layer_range`"])
  }

  static func stageOfItself(_ reference: ModelReference) -> Diagnostic {
    Diagnostic("`\(reference.model.path)` is made of itself", at: reference.place)
  }

  static func stageTwice(_ name: Located<String>, first: Place) -> Diagnostic {
    Diagnostic(
      "two merges are called `\(name.value)`", at: name.place, label: "and here", others: [.init(first, "here")])
  }

  static func stageWithoutName(at place: Place) -> Diagnostic {
    Diagnostic(
      "every merge but the last needs `name`", at: place, label: "nothing can use the result of this one",
      helps: ["name it, and list it by that name among the models of another"])
  }

  static func tokenKindUnknown(at place: Place) -> Diagnostic {
    Diagnostic("the source of a token has a `kind`: `model_token` or `zero`", at: place)
  }

  static func tokenOfModelUnclear(at place: Place) -> Diagnostic {
    Diagnostic("`model_token` needs `model`, and either `token` or `token_id`", at: place)
  }

  static func tokenSourceMissing(_ token: Located<String>) -> Diagnostic {
    Diagnostic("the rule for `\(token.value)` needs `source`", at: token.place)
  }

  static func tokenUnsourced(_ token: Located<String>) -> Diagnostic {
    Diagnostic(
      "nothing says where the row of `\(token.value)` comes from", at: token.place,
      notes: ["mergekit reads this, and stops at it when the merge is under way"],
      helps: ["name a model, or `{kind: zero}`"])
  }

  static func tokenOutOfRange(_ token: Located<String>, _ id: Int, _ model: String) -> Diagnostic {
    Diagnostic("`\(model)` has no token with the number \(id)", at: token.place)
  }

  static func tokenizerTwice(at place: Place, other: Place) -> Diagnostic {
    Diagnostic(
      "`tokenizer` and `tokenizer_source` say the same thing", at: other, label: "and here",
      others: [.init(place, "here")], helps: ["keep one of them"])
  }

  static func tokenizerUnknown(_ rule: TokenizerRule, _ name: String) -> Diagnostic {
    Diagnostic(
      "`\(name)` has no `tokenizer.json`, so its vocabulary is not known", at: rule.place,
      helps: [
        "put the tokenizer's files into the model's folder, or remove this key: then embeddings must have one shape"
      ])
  }

  static func unknownKey(_ member: YAMLMember, in keyPlace: KeyPlace) -> Diagnostic {
    let nearest = NearestName.of(member.key, among: keyPlace.keys)
    let elsewhere = KeyPlace.hinted.first { $0.keys.contains(member.key) }
    var label = "mergekit passes over it"
    if MergeMethod.parameterNames.contains(member.key), keyPlace.keys.contains("parameters") {
      label = "this belongs under `parameters`"
    } else if let nearest {
      label = "did you mean `\(nearest)`?"
    } else if let elsewhere {
      label = "this is a key of \(elsewhere.text)"
    }
    let notes =
      KeyPlace.abandoned.contains(member.key)
      ? ["earlier versions of mergekit had it"]
      : keyPlace == .document ? [] : ["\(keyPlace.text) has \(listed(keyPlace.keys))"]
    return Diagnostic("\(keyPlace.text) has no `\(member.key)`", at: member.keyPlace, label: label, notes: notes)
  }

  static func unreachable(_ arm: SettingArm, after last: SettingArm) -> Diagnostic {
    Diagnostic(
      .warning, "the value before holds for all tensors, so this one is never looked at", at: arm.place,
      others: [.init(last.place, "this has no filter")])
  }

  static func valueOfFilterMissing(_ name: String, at place: Place) -> Diagnostic {
    Diagnostic("a value with a filter needs `value`", at: place, helps: ["write `value: …` beside the filter"])
  }

  static func weightMissing(
    _ parameter: MergeMethod.Parameter, of method: MergeMethod, _ operand: Translation.Operand
  ) -> Diagnostic {
    Diagnostic(
      "`\(method.name)` needs `\(parameter.name)` for `\(operand.model.name)`", at: operand.place,
      label: "some tensor is left without",
      notes: operand.isListed ? [] : ["mergekit adds the base to `models` where it is not listed"],
      helps: ["write it under the `parameters` of the model, or of the merge for all models"])
  }

  static func wrongKind(_ node: YAMLNode, wanted: String, at place: Place) -> Diagnostic {
    Diagnostic("\(wanted), but this is \(node.kind)", at: node.mapping == nil ? place : node.start)
  }

  private static func listed(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: ", ") }
}
