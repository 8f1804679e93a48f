"""Which names a block or an output may have: they become attributes, variables, layer names and file entries."""

from __future__ import annotations

import builtins
import keyword
import re

BLOCK_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}\Z", re.ASCII)
OUTPUT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}\Z", re.ASCII)

# Attributes that torch.nn.Module and keras.Model already have: a block of such a name would silently replace one.
# tests/test_names.py holds this list against the installed frameworks.
MODULE_ATTRIBUTES = frozenset(
    """
    activity_regularizer add_loss add_metric add_module add_variable add_weight apply autocast bfloat16 buffers build
    build_from_config built call call_signature_parameters call_super_init children compile_from_config compiled
    compiled_loss compiled_metrics compute_dtype compute_loss compute_mask compute_metrics compute_output_shape
    compute_output_spec count_params cpu cuda distribute_reduction_method distribute_strategy double dtype
    dtype_policy dump_patches evaluate export extra_repr fit forward from_config get_buffer get_build_config
    get_compile_config get_config get_extra_state get_layer get_metrics_result get_parameter
    get_quantization_layer_structure get_state_tree get_submodule get_weights half input_dtype input_spec ipu
    jit_compile layers load_own_variables load_state_dict load_weights loss losses make_predict_function
    make_test_function make_train_function metrics metrics_names metrics_variables modules mtia name named_buffers
    named_children named_modules named_parameters non_trainable_variables non_trainable_weights output parameters path
    predict predict_function predict_on_batch predict_step quantization_mode quantize quantized_build quantized_call
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
    register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook rematerialized_call
    requires_grad_ reset_metrics run_eagerly save save_own_variables save_weights set_extra_state set_state_tree
    set_submodule set_weights share_memory state_dict stateless_call stateless_compute_loss steps_per_execution
    summary supports_jit supports_masking symbolic_call test_function test_on_batch test_step to to_empty to_json
    train train_function train_on_batch train_step trainable trainable_variables trainable_weights training
    unrolled_steps_per_execution variable_dtype variables weights xpu zero_grad
    """.split()
)
GENERATED_NAMES = frozenset(
    """
    torch nn keras layers ops math partial image self args kwargs head class_subnet box_subnet
    forward_features forward_head forward_maps forward_box_crops forward_mask_crops out_channels strides
    """.split()
)
# torch.nn.ModuleDict, which holds what exists once per output, has the methods of a mapping.
MAPPING_METHODS = frozenset(name for name in dir(dict) if name.islower())
RESERVED = (
    MODULE_ATTRIBUTES
    | GENERATED_NAMES
    | MAPPING_METHODS
    | frozenset(keyword.kwlist)
    | frozenset(keyword.softkwlist)
    | frozenset(name for name in dir(builtins) if name.islower())
)
