import Testing

/// What is said of files of arcee's mergekit that it would pass over in silence, or stop at when the merge is under way.
@Suite struct ImportErrorStories {
  private func errors(_ yaml: String, status: Int32 = 65) throws -> String {
    let session = try Session.withModels()
    try session.write(yaml, to: "merge.yml")
    let result = session.run("import merge.yml -o merge.rcp")
    #expect(result.status == status && result.output == "", "\(result)")
    #expect(!session.isThere("merge.rcp"))
    return result.errors.replacing(session.folder, with: "FOLDER")
  }

  @Test func everyUnknownKeyAtOnce() throws {
    let text = try errors(
      """
      models:
        - model: models/math
          weight: 0.3
          layer_range: [0, 3]
          parameters:
            t: 0.5
        - model: models/base
      merge_methd: slerp
      merge_method: slerp
      normalize: true
      base_model: models/base
      parameters:
        tt: 4
        t: {value: 3}
      input_model_parameters: 3
      dtype: bfloat

      """)
    #expect(
      text == """
        error: an entry of `models` has no `weight`
         ——▶ merge.yml:3:5
          │
        3 │     weight: 0.3
          │     ^^^^^^ this belongs under `parameters`
          = note: an entry of `models` has `model`, `parameters`

        error: an entry of `models` has no `layer_range`
         ——▶ merge.yml:4:5
          │
        4 │     layer_range: [0, 3]
          │     ^^^^^^^^^^^ this is a key of a source of a slice
          = note: an entry of `models` has `model`, `parameters`

        error: `t` of `slerp` is one for all models, and nothing looks for it in an entry of `models`
         ——▶ merge.yml:6:7
          │
        6 │       t: 0.5
          │       ^ mergekit passes over it
          = help: move it to the `parameters` of the merge

        error: a merge has no `merge_methd`
         ——▶ merge.yml:8:1
          │
        8 │ merge_methd: slerp
          │ ^^^^^^^^^^^ did you mean `merge_method`?

        error: a merge has no `normalize`
          ——▶ merge.yml:10:1
           │
        10 │ normalize: true
           │ ^^^^^^^^^ this belongs under `parameters`

        error: `slerp` has no parameter `tt`
          ——▶ merge.yml:13:3
           │
        13 │   tt: 4
           │   ^^ did you mean `t`?
           = note: the parameters of `slerp` are `t`

        error: values with filters stand in a list
          ——▶ merge.yml:14:6
           │
        14 │   t: {value: 3}
           │      ^^^^^^^^^^
           = note: earlier versions of mergekit read this, and stop at it when the merge is under way
           = help: put a dash before it: `t:` and below `- filter: …`

        error: a merge has no `input_model_parameters`
          ——▶ merge.yml:15:1
           │
        15 │ input_model_parameters: 3
           │ ^^^^^^^^^^^^^^^^^^^^^^ mergekit passes over it
           = note: earlier versions of mergekit had it

        error: `dtype` names no float that a model is written in
          ——▶ merge.yml:16:8
           │
        16 │ dtype: bfloat
           │        ^^^^^^ did you mean `bfloat16`?
           = note: there are `float32`, `float16`, `bfloat16`

        """)
  }

  @Test func modelsThatAreNotThere() throws {
    let text = try errors(
      "models: [{model: org/Missing-7B}, {model: ./gone}, {model: models/math+org/lora@v1}]\nmerge_method: linear\n"
        + "parameters: {weight: 1}\n", status: 66)
    #expect(
      text == """
        error: there is no model at `org/Missing-7B`
         ——▶ merge.yml:1:18
          │
        1 │ models: [{model: org/Missing-7B}, {model: ./gone}, {model: models/math+org/lora@v1}]
          │                  ^^^^^^^^^^^^^^
          = note: paths of the file are seen from `FOLDER`
          = help: if it is on the Hub, `hf download org/Missing-7B` puts it into the cache
          = help: where it lies elsewhere as `Missing-7B` or `org/Missing-7B`, name that folder with `--models`

        error: there is no model at `./gone`
         ——▶ merge.yml:1:43
          │
        1 │ models: [{model: org/Missing-7B}, {model: ./gone}, {model: models/math+org/lora@v1}]
          │                                           ^^^^^^
          = note: paths of the file are seen from `FOLDER`

        error: there is no adapter at `org/lora`, revision `v1`
         ——▶ merge.yml:1:60
          │
        1 │ models: [{model: org/Missing-7B}, {model: ./gone}, {model: models/math+org/lora@v1}]
          │                                                            ^^^^^^^^^^^^^^^^^^^^^^^
          = note: paths of the file are seen from `FOLDER`
          = help: if it is on the Hub, `hf download org/lora --revision v1` puts it into the cache
          = help: where it lies elsewhere as `lora` or `org/lora`, name that folder with `--models`

        """)
  }

  @Test func missingWeightsAndLayers() throws {
    let text = try errors(
      """
      models:
        - model: models/math
        - model: models/short
          parameters:
            weight: yes
        - model: models/chat
          parameters:
            weight:
              - filter: self_attn.*
                value: 1
              - filter: mlp
                value: 1
      merge_method: linear
      base_model: models/base

      """)
    #expect(
      text == """
        error: `linear` needs `weight` for `math`
         ——▶ merge.yml:2:5
          │
        2 │   - model: models/math
          │     ^^^^^^^^^^^^^^^^^^ some tensor is left without
          = help: write it under the `parameters` of the model, or of the merge for all models

        error: models are merged layer by layer, but `short` gives 2 layers and `math` 3
         ——▶ merge.yml:3:5
          │
        3 │   - model: models/short
          │     ^^^^^^^^^^^^^^^^^^^

        error: `linear` needs `weight` for `chat`
         ——▶ merge.yml:6:5
          │
        6 │   - model: models/chat
          │     ^^^^^^^^^^^^^^^^^^ some tensor is left without
          = help: write it under the `parameters` of the model, or of the merge for all models

        error: `linear` needs `weight` for `base`
          ——▶ merge.yml:14:13
           │
        14 │ base_model: models/base
           │             ^^^^^^^^^^^ some tensor is left without
           = note: mergekit adds the base to `models` where it is not listed
           = help: write it under the `parameters` of the model, or of the merge for all models

        warning: `yes` is a flag to YAML 1.1, which mergekit reads, and a text to YAML 1.2
         ——▶ merge.yml:5:15
          │
        5 │       weight: yes
          │               ^^^ taken for `true`
          = help: write `true`

        warning: no tensor's name holds `self_attn.*`
          ——▶ merge.yml:10:18
           │
        10 │           value: 1
           │                  ^ left out
           = note: a filter is a part of a name as it is: `*` and `.` stand for themselves

        """)
  }

  /// One document each, and the sentences that are said of it.
  static let lines: [(String, [String])] = [
    ("", ["there is no merge here"]),
    ("- a\n", ["a merge is a mapping, but this is a list"]),
    ("merge_method: linear\n", ["a merge has `models`, `slices` or `modules`, and here is none of them"]),
    ("models: [{model: models/math}]\n", ["a merge needs `merge_method`"]),
    ("models: [{model: models/math}]\nmerge_method: lienar\n", ["mergekit has no method `lienar`"]),
    (
      "models: [{model: models/math}]\nslices: [{sources: [{model: models/math, layer_range: [0, 3]}]}]\nmerge_method: passthrough\n",
      ["a merge has `models`, `slices` or `modules`, and only one of them"]
    ),
    ("models: [{model: models/math}]\nmerge_method: slerp\nparameters: {t: 0}\n", ["`slerp` needs `base_model`"]),
    (
      "models: [{model: models/math}, {model: models/chat}]\nmerge_method: slerp\nparameters: {t: 0}\nbase_model: models/base\n",
      ["`slerp` needs one model beside its base"]
    ),
    (
      "models: [{model: models/math}, {model: models/chat}]\nmerge_method: passthrough\n",
      ["`passthrough` needs one model"]
    ),
    (
      "models: [{model: models/math}]\nmerge_method: slerp\nbase_model: models/base\nparameters: {t: 1.5}\n",
      ["`at` of `slerp` lies from 0% to 100%"]
    ),
    (
      "models: [{model: models/math}]\nmerge_method: slerp\nbase_model: models/base\nparameters: {t: []}\n",
      ["`t` is an empty list"]
    ),
    (
      "models: [{model: models/math, parameters: {weight: 010}}]\nmerge_method: linear\n",
      ["a number that begins with 0 is octal to YAML 1.1 and decimal to YAML 1.2"]
    ),
    (
      "models: [{model: models/math, parameters: {weight: much}}]\nmerge_method: linear\n",
      ["`weight` is a number, a flag or a list of numbers, but this is a text"]
    ),
    (
      "slices: [{sources: [{model: models/math, layer_range: [0, -1]}]}]\nmerge_method: passthrough\n",
      ["`layer_range` is a list of two whole numbers: the first layer, and the one behind the last"]
    ),
    (
      "slices: [{sources: [{model: models/math, layer_range: [1, 4]}]}]\nmerge_method: passthrough\n",
      ["`math` has 3 layers, numbered from 0"]
    ),
    (
      "slices: [{sources: [{model: models/math, layer_range: [0, 1]}, {model: models/chat, layer_range: [0, 2]}]}]\n"
        + "merge_method: linear\nparameters: {weight: 1}\n",
      ["models are merged layer by layer, but `chat` gives 2 layers and `math` 1"]
    ),
    (
      "slices: [{sources: [{model: models/math, layer_range: [0, 3]}]}]\nmerge_method: slerp\nbase_model: models/base\nparameters: {t: 1}\n",
      ["`slerp` needs its base in every slice"]
    ),
    (
      "modules: {a: {models: [{model: models/math}]}, b: {models: [{model: models/math}]}}\nmerge_method: passthrough\n",
      ["the models have no part `b`"]
    ),
    (
      "models: [{model: models/math@v1/../x}]\nmerge_method: passthrough\nparameters: {scale: x}\n",
      ["`scale` is a number, a flag or a list of numbers, but this is a text"]
    ),
    (
      "models: [{model: a+b+c}]\nmerge_method: passthrough\n",
      ["a model's name is `PATH`, with `@REVISION` and `+ADAPTER` behind it at most once each"]
    ),
    (
      "models: [{model: models/math}]\nmerge_method: passthrough\nchat_template: chatlm\n",
      ["there is no chat template `chatlm`"]
    ),
    (
      "models: [{model: models/math}]\nmerge_method: passthrough\ntokenizer_source: union\n",
      ["`math` has no `tokenizer.json`, so its vocabulary is not known"]
    ),
    (
      "models: [{model: models/math}]\nmerge_method: passthrough\ntokenizer: {tokens: {a: {sorce: b}, c: {source: {kind: nil}}}}\n",
      [
        "`math` has no `tokenizer.json`, so its vocabulary is not known", "the rule for a token has no `sorce`",
        "the source of a token has a `kind`: `model_token` or `zero`",
      ]
    ),
    (
      "models: [{model: models/math}]\nmerge_method: karcher\nparameters: {tol: [{filter: mlp, value: 0.1}, {value: 0.2}]}\n",
      ["not supported yet: a `tolerance` of `karcher` that changes from tensor to tensor"]
    ),
    (
      "name: a\nmodels: [{model: b}]\nmerge_method: passthrough\n---\nname: b\nmodels: [{model: a}]\nmerge_method: passthrough\n",
      ["`a` is made of itself"]
    ),
    (
      "models: [{model: b}]\nname: a\nmerge_method: passthrough\n---\nname: b\nmodels: [{model: models/math}]\nmerge_method: passthrough\n",
      ["the last merge is the one that is kept, so no other is made of it"]
    ),
    (
      "models: [{model: models/math}]\nmerge_method: passthrough\n---\nmodels: [{model: models/math}]\nmerge_method: passthrough\n",
      ["every merge but the last needs `name`"]
    ),
    (
      "base_model: models/base\nexperts: [{source_model: models/math, negative_prompts: [sums]}, {source_model: models/chat, positive_prompts: [chat, 1]}]\nshared_experts: [{source_model: models/base}]\n",
      [
        "an expert needs `positive_prompts` where routers begin from prompts",
        "`positive_prompts` is a list of texts, but this is a number",
        "a shared expert needs `positive_prompts` where routers begin from prompts",
      ]
    ),
    (
      "base_model: models/base\ngate_mode: cheap_embed\nexperts: [{source_model: models/math, positive_prompts: sums, weight: 1}]\n",
      ["`positive_prompts` is a list, but this is a text", "an expert has no `weight`"]
    ),
    (
      "base_model: models/base\ngate_mode: random\nexperts_per_token: 1.5\nexperts: [{source_model: models/math}]\n",
      ["`experts_per_token` is a whole number, but this is a number"]
    ),
    (
      "gate_mode: rndom\nexperts: [{model: models/math}]\n",
      [
        "a mixture of experts needs `base_model`", "mergekit has no `gate_mode` of `rndom`",
        "a mixture of experts has experts", "an expert needs `source_model`", "an expert has no `model`",
      ]
    ),
    (
      "base_model: a\ngate_mode: random\narchitecture: deepseek\nexperts: [{source_model: b, noise_scale: x}]\n---\nmodels: [{model: b}]\nmerge_method: passthrough\n",
      [
        "not supported yet: the architecture `deepseek`",
        "not supported yet: a mixture of experts in a file of several merges",
        "`noise_scale` is a number, but this is a text", "there is no model at `b`",
      ]
    ),
    (
      "models: [{model: models/math}]\nmerge_method: passthrough\ntokenizer: {source: base, tokens: {a: {source: null}}}\n",
      ["`math` has no `tokenizer.json`, so its vocabulary is not known"]
    ),
    ("a: 1\na: 2\n", ["`a` is given twice"]),
  ]

  @Test(arguments: lines) func says(yaml: String, messages: [String]) throws {
    let found = try errors(yaml).split(separator: "\n").filter { $0.hasPrefix("error: ") }.map {
      String($0.dropFirst(7))
    }
    #expect(found == messages)
  }
}
