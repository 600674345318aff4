"""What ComfyUI loads."""

from __future__ import annotations

from .method_node import MethodNode
from .report_node import ReportNode
from .speed_up_node import SpeedUpNode

NODES = {"TokredSpeedUp": SpeedUpNode, "TokredMethod": MethodNode, "TokredReport": ReportNode}

NODE_CLASS_MAPPINGS = NODES
NODE_DISPLAY_NAME_MAPPINGS = {
    "TokredSpeedUp": "tokred: speed up",
    "TokredMethod": "tokred: method",
    "TokredReport": "tokred: report",
}
