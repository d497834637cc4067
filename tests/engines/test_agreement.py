"""Native code agrees with the reference interpreter: results, traps and their places, work."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ir import interp
from numen.ir.passes.meter import meter, meter_blocks
from numen.jit import engine
from numen.kernels.options import Options
from tests.strategies import ir as strategies

LIMITS = st.sampled_from([1, 7, 30, 100, 10_000]) | st.integers(1, 300)


@pytest.mark.parametrize("metering", [meter, meter_blocks])
@pytest.mark.parametrize(("passes", "codegen"), [("none", 0), ("lean", 2), ("loops", 2)])
@given(data=st.data())
@settings(max_examples=20)
def test_native_code_computes_what_the_interpreter_does(passes, codegen, metering, data):
    module = metering(data.draw(strategies.modules()))
    options = Options(passes=passes, codegen=codegen)
    native = engine.translate(module, options=options, cached=False)

    for _ in range(4):
        args, limit = data.draw(strategies.arguments(module)), data.draw(LIMITS)
        expected = interp.run(module, args, work_limit=limit)

        assert native.run(args, work_limit=limit) == expected
