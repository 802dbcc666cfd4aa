# PyTorch -> model.onnx, for edgeward.
#
#   pip install torch onnxscript
#   python export.py
#
# Put your own trained module in the place of `model`, and a batch of what it takes in that of `example`.
import json

import torch

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv1d(3, 8, 5, padding=2),
    torch.nn.BatchNorm1d(8),
    torch.nn.ReLU(),
    torch.nn.AdaptiveAvgPool1d(4),
    torch.nn.Flatten(),
    torch.nn.Linear(32, 2),
    torch.nn.Softmax(dim=1),
)
x = torch.randn(256, 3, 32)
y = (x[:, 0].mean(dim=1) > 0).long()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(20):
    optimizer.zero_grad()
    torch.nn.functional.nll_loss(torch.log(model(x) + 1e-9), y).backward()
    optimizer.step()

# Dropout and batch normalisation as when predicting.
model.eval()
example = torch.randn(2, 3, 32)
torch.onnx.export(
    model,
    (example,),
    "model.onnx",
    input_names=["x"],
    output_names=["probabilities"],
    # A free first dimension: many rows at once.
    dynamic_shapes=({0: torch.export.Dim("rows")},),
    opset_version=18,
    dynamo=True,
    # All weights in the one file, up to 2 GB.
    external_data=False,
)

# Rows to try it with, and what PyTorch itself answers to them.
rows = torch.randn(100, 3, 32)
with torch.no_grad():
    answers = model(rows)
with open("rows.jsonl", "w") as file:
    for row in rows:
        print(json.dumps(row.tolist()), file=file)
with open("expected.jsonl", "w") as file:
    for answer in answers:
        print(json.dumps({"probabilities": answer.tolist()}), file=file)

print("""model.onnx is written. Next:
  edgeward model inspect model.onnx
  edgeward score model.onnx rows.jsonl     # beside expected.jsonl
  edgeward bundle init model.onnx""")
