"""Writes packages/models/src/fixtures/chat-templates.json: chat templates of the usual shapes, and what transformers renders from them.

The templates are ours, in the shapes that model families use: their marks, and the parts of the template language that those rely on.
Run with an interpreter that has transformers and jinja2: python test/oracles/chat_templates.py
"""

import datetime
import json
import pathlib

from jinja2.exceptions import TemplateError
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

OUT = pathlib.Path(__file__).parents[2] / "packages/models/src/fixtures/chat-templates.json"
NOW = datetime.datetime(2024, 7, 6, 9, 5, 3)
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}

TEMPLATES = {
    # One block a message.
    "chatml": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    # ChatML with a system message of the model's own.
    "smollm2": "{%- for message in messages -%}\n{%- if loop.first and message.role != 'system' -%}\n"
    "{{- '<|im_start|>system\\nYou answer briefly.<|im_end|>\\n' -}}\n{%- endif -%}\n"
    "{{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>\\n' -}}\n{%- endfor -%}\n"
    "{{- '<|im_start|>assistant\\n' if add_generation_prompt else '' -}}\n",
    # The system message inside the first user message; roles must alternate.
    "llama2": """{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set rest = messages %}{% set system = false %}{% endif %}
{% for message in rest %}
    {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('Roles must alternate: user, assistant, user, assistant ...') }}
    {% endif %}
    {% if loop.index0 == 0 and system != false %}
        {% set content = '<<SYS>>\\n' + system.strip() + '\\n<</SYS>>\\n\\n' + message['content'] %}
    {% else %}
        {% set content = message['content'] %}
    {% endif %}
    {% if message['role'] == 'user' %}
{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' -}}
    {% elif message['role'] == 'assistant' %}
{{ ' ' + content.strip() + ' ' + eos_token -}}
    {% endif %}
{% endfor %}""",
    # Headers, BOS in front, the date, tools in the system message.
    "llama3": """{{- bos_token }}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- if not day is defined %}
    {%- set day = strftime_now("%d %b %Y") %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + day + "\\n\\n" }}
{%- if tools is not none %}
    {{- "You may call these functions:\\n\\n" }}
    {%- for tool in tools %}
        {{- tool | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls | length == 1 %}
            {{- raise_exception("Only one call at a time!") }}
        {%- endif %}
        {%- set call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
        {{- '{"name": "' + call.name + '", "parameters": ' }}
        {{- call.arguments | tojson }}
        {{- "}<|eot_id|>" }}
    {%- else %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable and message.content is not string %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    # The system message before the last user message, tools there too, a namespace for state.
    "mistral": """{%- if messages[0].role == "system" %}
    {%- set system = messages[0].content %}
    {%- set turns = messages[1:] %}
{%- else %}
    {%- set turns = messages %}
{%- endif %}
{%- set user_turns = turns | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace(index=0) %}
{%- for message in turns %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message.role == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, conversation roles must alternate user/assistant") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in turns %}
    {%- if message.role == "user" %}
        {%- if tools is not none and (message == user_turns[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, value in tool.items() if key != "return" %}
                    {%- if value is string %}
                        {{- '"' + key + '": "' + value + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + value | tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- else %}
                    {{- "]" }}
                {%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system is defined %}
            {{- "[INST] " + system + "\\n\\n" + message.content + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message.content + "[/INST]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for call in message.tool_calls %}
            {%- set out = call.function | tojson %}
            {{- out[:-1] }}
            {%- if not call.id is defined or call.id | length != 9 %}
                {{- raise_exception("Ids of tool calls must have nine characters!") }}
            {%- endif %}
            {{- ', "id": "' + call.id + '"}' }}
            {{- ", " if not loop.last else "]" + eos_token }}
        {%- endfor %}
    {%- elif message.role == "assistant" %}
        {{- " " + message.content | trim + eos_token }}
    {%- elif message.role == "tool" %}
        {{- '[TOOL_RESULTS] {"content": ' + message.content | string + ', "call_id": "' + message.tool_call_id + '"}[/TOOL_RESULTS]' }}
    {%- else %}
        {{- raise_exception("Only user, assistant, system and tool messages are known here") }}
    {%- endif %}
{%- endfor %}
""",
    # A role of its own name for the assistant; no system message.
    "gemma": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('There is no system role') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '
' + message['content'] | trim + '<end_of_turn>
' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model
' }}{% endif %}""",
    # The end of text where no answer is to come.
    "phi3": """{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{ '<|system|>\\n' + message['content'] + '<|end|>\\n' }}{% elif message['role'] == 'user' %}{{ '<|user|>\\n' + message['content'] + '<|end|>\\n' }}{% elif message['role'] == 'assistant' %}{{ '<|assistant|>\\n' + message['content'] + '<|end|>\\n' }}{% endif %}{% endfor %}
{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}""",
    # Tools as lines of JSON between tags, calls in assistant messages, several results in one user turn.
    "qwen": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You are a helpful assistant.' }}
    {%- endif %}
    {{- "\\n\\n# Tools\\n\\nFunction signatures are within <tools></tools> tags:\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- elif messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    # Thoughts of earlier turns are left out: going backwards, splitting, macros of strings.
    "qwen3": """{%- set ns = namespace(last=messages|length - 1, looking=true) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.looking and message.role == "user" and not (message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.looking = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == "assistant" %}
        {%- set content = message.content or '' %}
        {%- set thought = '' %}
        {%- if '</think>' in content %}
            {%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or thought) %}
            {{- '<|im_start|>assistant\\n<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>assistant\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
""",
    # One line a message, blocks that stand on lines of their own.
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    # Roles in words.
    "vicuna": """{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] | trim + ' ' }}{% set messages = messages[1:] %}{% else %}{{ 'A chat between a curious user and an assistant. ' }}{% endif %}
{%- for message in messages %}
{%- if message['role'] == 'user' %}{{ 'USER: ' + message['content'].strip() + ' ' }}
{%- elif message['role'] == 'assistant' %}{{ 'ASSISTANT: ' + message['content'] | trim + eos_token }}
{%- else %}{{ raise_exception(message['role'] | capitalize + ' messages stand first or nowhere') }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}""",
    # A macro, loop controls, filters, the names of roles looked up.
    "alpaca": """{%- macro section(title, text) -%}
### {{ title }}:
{{ text | trim }}

{% endmacro -%}
{%- set titles = {'user': 'Instruction', 'assistant': 'Response', 'tool': 'Input'} -%}
{%- for message in messages -%}
    {%- if message.content is none or message.content | trim | length == 0 %}{% continue %}{% endif -%}
    {%- if message.role == 'system' -%}
        {{ message.content | trim }}{{ '\\n\\n' }}
    {%- elif message.role in titles -%}
        {{ section(titles[message.role], message.content) }}
    {%- else -%}
        {{ section(message.role | upper, message.content | replace('\\n', ' ')) }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
### Response:
{% endif -%}""",
    # Content in parts, comments, generation blocks, numbers and joins.
    "parts": """{# Parts of text alone. #}
{{ bos_token -}}
{% for message in messages -%}
[{{ loop.index }}/{{ messages | length }}] {{ message.role | title }}: {% if message.content is string -%}
{{ message.content }}
{%- else -%}
{{ message.content | selectattr('type', 'equalto', 'text') | map(attribute='text') | join(' + ') }}
{%- endif %}
{% generation %}{{ '|' if loop.last else ';' }}{% endgeneration %}
{% endfor %}
{{- 'tokens: ' ~ [unk_token, pad_token] | join(',') ~ ' ' ~ (1 + 2) ~ ' ' ~ ('a' * 3 if false else 'b') ~ ' ' ~ ('yes' if sep_token is defined else 'no') }}
{%- if add_generation_prompt %} ->{% endif %}""",
}

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a place, \"now\" or <later> & é",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string", "description": "A town"}, "days": {"type": "integer", "default": 1}},
            "required": ["place"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "The time", "parameters": {"type": "object", "properties": {}}}}

CONVERSATIONS = {
    "one": {"messages": [{"role": "user", "content": "The capital of France?"}]},
    "system": {"messages": [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "  Hi\n"}]},
    "turns": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nHello é 東京 {{ x }} "},
            {"role": "user", "content": "\"Quoted\" <b>&amp;</b>\n\nand <|im_end|>"},
        ]
    },
    "ended": {
        "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
        "add_generation_prompt": False,
    },
    "called": {
        "messages": [
            {"role": "user", "content": "Weather in Paris?"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"id": "abcdefghi", "type": "function", "function": {"name": "weather", "arguments": {"place": "Paris", "days": 2, "exact": True, "unit": None}}}
                ],
            },
            {"role": "tool", "tool_call_id": "abcdefghi", "content": "{\"sky\": \"clear\"}"},
        ],
        "tools": [WEATHER, CLOCK],
    },
    "offered": {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Time?"}], "tools": [CLOCK]},
    "twice": {"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Hi?"}]},
    "late": {"messages": [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}]},
}


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def main():
    chat_template_utils.datetime = Clock
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>")), **TOKENS)
    rendered = {}
    for name, template in TEMPLATES.items():
        rendered[name] = {}
        for which, said in CONVERSATIONS.items():
            if which == "parts" and name != "parts":
                continue
            given = {"add_generation_prompt": True, **said}
            messages = given.pop("messages")
            try:
                text = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **given)
                rendered[name][which] = text
            except TemplateError as error:
                rendered[name][which] = {"raised": str(error)}
    dates = {code: NOW.strftime(code) for code in ["%d %b %Y", "%A %-d %B %y, %H:%M:%S", "%I %p %j %e %%"]}
    out = {"now": NOW.isoformat(), "tokens": TOKENS, "templates": TEMPLATES, "conversations": CONVERSATIONS, "rendered": rendered, "dates": dates}
    OUT.write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n")


main()
