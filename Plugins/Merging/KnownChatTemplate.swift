import Operations

/// Ways of writing a conversation that several families of models share.
enum KnownChatTemplate: String, Choice {
  case chatml, alpaca, llama3, mistral, exaone

  var text: String {
    switch self {
    case .chatml: "ChatML, as Qwen and many others have it: `<|im_start|>user`."
    case .alpaca: "Alpaca: `### Instruction:`."
    case .llama3: "Llama 3: `<|start_header_id|>user<|end_header_id|>`."
    case .mistral: "Mistral: `[INST]`."
    case .exaone: "EXAONE: `[|user|]`."
    }
  }

  /// In Jinja.
  var jinja: String {
    switch self {
    case .chatml:
      #"""
      {%- for message in messages -%}
      {{ '<|im_start|>' ~ message.role ~ '\n' ~ message.content ~ '<|im_end|>\n' }}
      {%- endfor -%}
      {{ '<|im_start|>assistant\n' if add_generation_prompt else '' }}

      """#
    case .alpaca:
      #"""
      {%- set titles = {'user': 'Instruction', 'user_context': 'Input', 'assistant': 'Response'} -%}
      {%- set system = messages | selectattr('role', 'equalto', 'system') | list -%}
      {{ system[-1].content | trim ~ '\n\n' if system else '' }}
      {%- for message in messages if message.role in titles -%}
      {{ '### ' ~ titles[message.role] ~ ':\n' ~ (message.content | trim) ~ ('' if loop.last else '\n\n') }}
      {%- endfor -%}
      {{ '\n\n### Response:\n' if add_generation_prompt and messages[-1].role != 'assistant' else '' }}

      """#
    case .llama3:
      #"""
      {%- for message in messages -%}
      {{ bos_token if loop.first else '' }}
      {{- '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' ~ (message.content | trim) ~ '<|eot_id|>' }}
      {%- endfor -%}
      {{ '<|start_header_id|>assistant<|end_header_id|>\n\n' if add_generation_prompt else '' }}

      """#
    case .mistral:
      #"""
      {{- bos_token -}}
      {%- set system = messages[0].content if messages[0].role == 'system' else none -%}
      {%- for message in messages[(0 if system is none else 1):] -%}
      {%- if message.role != ('user' if loop.index is odd else 'assistant') -%}
      {{ raise_exception('after a system message, the user and the assistant speak in turn') }}
      {%- endif -%}
      {%- if message.role == 'user' -%}
      {{ ' [INST] ' ~ (system ~ '\n\n' if loop.first and system is not none else '') ~ message.content ~ ' [/INST]' }}
      {%- else -%}
      {{ ' ' ~ message.content ~ eos_token }}
      {%- endif -%}
      {%- endfor -%}

      """#
    case .exaone:
      #"""
      {%- if messages[0].role != 'system' -%}
      {{ '[|system|][|endofturn|]\n' }}
      {%- endif -%}
      {%- for message in messages -%}
      {{ '[|' ~ message.role ~ '|]' ~ message.content ~ ('\n' if message.role == 'user' else '[|endofturn|]\n') }}
      {%- endfor -%}
      {{ '[|assistant|]' if add_generation_prompt else '' }}

      """#
    }
  }
}
