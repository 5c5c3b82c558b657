import Diagnostics

extension DocumentReader {
  /// The `parameters` of one place; says which of them mean nothing there.
  mutating func settings(_ node: YAMLNode?, _ keyPlace: KeyPlace) -> Settings {
    guard let node else { return Settings() }
    guard let members = node.mapping else {
      diagnostics.append(.wrongKind(node, wanted: "`parameters` is a mapping", at: node.place))
      return Settings()
    }
    var settings = Settings()
    for member in members {
      if MergeMethod.inconsequential.contains(member.key) {
        ignored.append(Located(value: member.key, place: member.keyPlace))
        continue
      }
      // Of a method that nobody knows, every parameter is.
      if let method, let mistake = mistake(of: member, method, keyPlace) { diagnostics.append(mistake) }
      settings.all.append(
        Setting(name: member.key, keyPlace: member.keyPlace, arms: arms(member.value, member.key)))
    }
    return settings
  }

  private func mistake(of member: YAMLMember, _ method: MergeMethod, _ keyPlace: KeyPlace) -> Diagnostic? {
    guard let parameter = method.parameters.first(where: { $0.name == member.key }) else {
      return .parameterUnknown(member, of: method)
    }
    guard parameter.scope == .tensor, keyPlace == .model || keyPlace == .source else { return nil }
    return .parameterOfNoModel(member, of: method, keyPlace)
  }

  /// The values of a parameter with what they hold for; none where they cannot be read, which is reported.
  private mutating func arms(_ node: YAMLNode, _ name: String) -> [SettingArm] {
    if node.mapping != nil {
      diagnostics.append(.filterOutsideList(name, at: node.start))
      return []
    }
    guard let elements = node.sequence else {
      return number(node, name).map { [SettingArm(filter: nil, curve: Curve(points: [$0]), place: node.place)] } ?? []
    }
    guard !elements.isEmpty else {
      diagnostics.append(.emptySetting(name, at: node.place))
      return []
    }
    guard elements.contains(where: { $0.mapping != nil }) else {
      return curve(node, name).map { [SettingArm(filter: nil, curve: $0, place: node.place)] } ?? []
    }
    var arms: [SettingArm] = []
    for element in elements {
      guard element.mapping != nil else {
        diagnostics.append(.mixedSetting(name, at: element.place))
        continue
      }
      if let arm = filtered(element, name) {
        if arms.last?.filter == nil, let last = arms.last { diagnostics.append(.unreachable(arm, after: last)) }
        arms.append(arm)
      }
    }
    return arms
  }

  private mutating func filtered(_ node: YAMLNode, _ name: String) -> SettingArm? {
    guard let fields = FieldReader(node, .filtered, &diagnostics) else { return nil }
    guard let value = fields["value"] else {
      diagnostics.append(.valueOfFilterMissing(name, at: node.start))
      return nil
    }
    var filter = fields["filter"]?.scalar?.text
    if let node = fields["filter"], node.scalar == nil {
      diagnostics.append(.wrongKind(node, wanted: "a filter is a text", at: node.place))
      return nil
    }
    if filter == "*" { filter = nil }
    return curve(value, name).map { SettingArm(filter: filter, curve: $0, place: value.place) }
  }

  /// A number, or a list of them.
  private mutating func curve(_ node: YAMLNode, _ name: String) -> Curve? {
    guard let elements = node.sequence else { return number(node, name).map { Curve(points: [$0]) } }
    guard !elements.isEmpty else {
      diagnostics.append(.emptySetting(name, at: node.place))
      return nil
    }
    let points = elements.compactMap { number($0, name) }
    return points.count == elements.count ? Curve(points: points) : nil
  }

  /// A number; a flag is 1 or 0, and a number in quotes is one too, as in mergekit.
  private mutating func number(_ node: YAMLNode, _ name: String) -> Double? {
    if let scalar = node.scalar {
      if scalar.isAmbiguousNumber {
        diagnostics.append(.ambiguousNumber(at: node.place))
        return nil
      }
      if case .number(let number) = scalar.value { return number }
      if let flag = flag(node) { return flag ? 1 : 0 }
      if let number = scalar.spelledNumber { return number }
    }
    diagnostics.append(.wrongKind(node, wanted: "`\(name)` is a number, a flag or a list of numbers", at: node.place))
    return nil
  }

  /// A flag, as YAML 1.2 or, with a warning, as YAML 1.1 knows it.
  mutating func flag(_ node: YAMLNode) -> Bool? {
    if case .flag(let flag)? = node.scalar?.value { return flag }
    guard let flag = node.scalar?.flagOfYAML11 else { return nil }
    diagnostics.append(.flagOfYAML11(node, flag))
    return flag
  }
}
