import Testing

/// Files of arcee's mergekit for methods that merge task vectors.
@Suite struct ImportTaskVectorStories {
  /// Each of mergekit's methods with every parameter that it has, and the call that it becomes.
  static let methods: [(method: String, parameters: String, call: String)] = [
    (
      "task_arithmetic", "weight: 0.5, normalize: true, lambda: 0.25",
      "task_arithmetic(base:, models: [math, chat], weights: [0.5, 0.5], normalize: true, scale: 0.25)"
    ),
    (
      "ties", "weight: 1, density: 0.4, rescale: true, normalize: false, lambda: [0, 1]",
      """
      ties(base:, models: [math, chat], weights: [1, 1], density: 40%, normalize: false, rescale: true, \
      scale: match layer { 0..<1 => 0, 1..<2 => 0.5, 2..<3 => 1, _ => 0 })
      """
    ),
    (
      "dare_linear", "weight: [1, 2, 3], density: 0.4",
      """
      dare(base:, models: [math, chat], density: 40%, consensus: .none, rescale: .l1, normalize: false, weights: \
      [match layer { 0..<1 => 1, 1..<2 => 2, 2..<3 => 3, _ => 1 }, match layer { 0..<1 => 1, 1..<2 => 2, 2..<3 => 3, _ => 1 }])
      """
    ),
    (
      "dare_ties", "weight: 1, density: 0.4, rescale: false, normalize: true",
      """
      dare(base:, models: [math, chat], weights: [1, 1], density: 40%, consensus: .mass, rescale: .none, \
      normalize: true)
      """
    ),
    (
      "breadcrumbs", "weight: 1, density: 0.4, gamma: 0.1",
      "breadcrumbs(base:, models: [math, chat], weights: [1, 1], density: 40%, gamma: 10%, consensus: .none)"
    ),
    (
      "breadcrumbs_ties", "weight: 1, density: 0.4",
      "breadcrumbs(base:, models: [math, chat], weights: [1, 1], density: 40%, gamma: 1%, consensus: .mass)"
    ),
    (
      "della", "weight: 1, density: 0.4, epsilon: 0.2",
      "della(base:, models: [math, chat], weights: [1, 1], density: 40%, epsilon: 20%, consensus: .mass, normalize: true)"
    ),
    (
      "della_linear", "weight: 1, density: 0.4",
      "della(base:, models: [math, chat], weights: [1, 1], density: 40%, epsilon: 15%, consensus: .none, normalize: false)"
    ),
    ("model_stock", "filter_wise: true", "model_stock(base:, models: [math, chat], filter_wise: true)"),
    ("sce", "select_topk: 0.3", "sce(base:, models: [math, chat], density: 30%)"),
    ("ram", "epsilon: 0.1", "ram(base:, models: [math, chat], epsilon: 0.1)"),
    ("ramplus_tl", "epsilon: 0.1", "ram(base:, models: [math, chat], epsilon: 0.1, r: 0.1, alpha: 0.2)"),
  ]

  @Test(arguments: methods) func isTheSame(method: String, parameters: String, call: String) throws {
    try ImportRunStories.expectSame(
      """
      models:
        - model: models/math
        - model: models/base
        - model: models/chat
      base_model: models/base
      merge_method: \(method)
      parameters: {\(parameters)}
      """, as: call)
  }

  @Test func onTwoModels() throws {
    try ImportRunStories.expectSame(
      "models: [{model: models/math}]\nbase_model: models/base\nmerge_method: nearswap\nparameters: {t: 0.5}\n",
      as: "nearswap(base:, model: math, within: 0.5)")
    try ImportRunStories.expectSame(
      "models: [{model: models/math}]\nbase_model: models/base\nmerge_method: arcee_fusion\n",
      as: "arcee_fusion(base:, model: math)")
  }

  /// The file that mergekit's own guide begins with, and the recipe that it becomes.
  @Test func tiesAsInTheGuide() throws {
    let session = try Session.withModels()
    try session.write(
      """
      models:
        - model: models/math
          parameters:
            density: [1, 0.7, 0.1] # density gradient
            weight: 1.0
        - model: models/chat
          parameters:
            density: 0.5
            weight: [0, 0.3, 0.7, 1] # weight gradient
        - model: org/Code-7B
          parameters:
            density: 0.33
            weight:
              - filter: mlp
                value: 0.5
              - value: 0
      merge_method: ties
      base_model: models/base
      parameters:
        normalize: true
        int8_mask: true
      dtype: float16

      """, to: "ties.yml")
    #expect(
      session.run("import ties.yml")
        == .init(
          output: """
            ## What `ties.yml` says, a file of arcee's mergekit.
            recipe "ties"

            let base = checkpoint("models/base")
            let math = checkpoint("models/math")
            let chat = checkpoint("models/chat")
            let code_7b = checkpoint("org/Code-7B")

            # mergekit would calculate in float16; here numbers are rounded once, at the end.
            # `int8_mask` changes nothing in mergekit's result, and is left out.
            # mergekit's gradients have their first value for all that stands before and after the
            # layers, the head among it; here `_` of `match layer` says so.
            let merged = ties(
                base:,
                models: [math, chat, code_7b],
                weights: [
                    1,
                    match layer {
                        0..<3 => gradient([0, 0.3, 0.7, 1]),
                        _ => 0,
                    },
                    match tensor {
                        "*mlp*" => 0.5,
                        _ => 0,
                    },
                ],
                density: [
                    match layer {
                        0..<3 => gradient([1, 0.7, 0.1]),
                        _ => 1,
                    },
                    0.5,
                    0.33,
                ],
                normalize: true,
                precision: .f16,
            )

            export merged to "merged"

            """))
  }

  @Test func aBaseWithSettings() throws {
    let session = try Session.withModels()
    try session.write(
      """
      models:
        - model: models/base
          parameters: {weight: 0.5}
        - model: models/math
          parameters: {weight: 0.5, density: 50}
      merge_method: dare_ties
      base_model: models/base

      """, to: "dare.yml")
    #expect(
      session.run("import dare.yml")
        == .init(
          status: 65,
          errors: """
            error: `density` of `dare` lies from 0% to 100%
             ——▶ dare.yml:5:40
              │
            5 │     parameters: {weight: 0.5, density: 50}
              │                                        ^^ this is 5000%
              = help: for 50 percent, write `50%`

            warning: the base is what the others are compared with, so its `weight` counts for nothing
             ——▶ dare.yml:3:18
              │
            3 │     parameters: {weight: 0.5}
              │                  ^^^^^^ left out

            """))
  }
}
