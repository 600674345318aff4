"""What happens before each model call: every site is told what to do in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from tokred.arguments import Arguments, argument_names
from tokred.engine.base_site import BaseSite, is_recomputing
from tokred.engine.branches import BranchNames
from tokred.engine.counts import Counts
from tokred.engine.doing import Doing
from tokred.engine.drawing import Wanted, draw_all
from tokred.engine.fitting import PlanFitter
from tokred.engine.generation import Generation
from tokred.engine.inner import Inner
from tokred.engine.ledger import Ledger
from tokred.engine.lookout import Lookout, Sight
from tokred.engine.memory import lasting, new_memory, remembered_dtype
from tokred.engine.model_call import ModelCall
from tokred.engine.model_site import ModelSite
from tokred.engine.parallel import refuse_parallel
from tokred.engine.patch import is_cached
from tokred.engine.recomputation import Recomputation
from tokred.engine.returned import Returned
from tokred.engine.ruler import CallRuler, Ruler
from tokred.engine.sharing import MatchGroup
from tokred.engine.site import Site
from tokred.engine.site_call import SiteCall
from tokred.engine.state import MatchState, SiteState, Use, shared_state
from tokred.engine.steps import Position, StepSource
from tokred.engine.stream import StreamSite
from tokred.engine.unit import Unit
from tokred.errors import ConflictError, SpecError, UnsupportedModel
from tokred.family.description import Family
from tokred.family.layouts import entry_of, layout_of
from tokred.interfaces import DENSE, Phase, Plan, Time
from tokred.layout import Layout
from tokred.method import Method

AnySite = Site | StreamSite | ModelSite


class CallPlanner:
    """A forward pre-hook of the model's entry: works out step, branch and layout, and prepares the sites.

    Everything that is not a tensor operation happens here, outside compiled code: the plan, the random draws, the
    record of what is computed.

    Args:
        model: the model.
        family: describes it.
        method: what is applied.
        sites: the sites at work.
        steps: knows the denoising step.
        names: knows what a pipeline calls the guidance branch.
        ledger: is told what every site computes.
        inner: the modules inside sites that are stood in for.
        units: what stands around the modules that hold sites.
    """

    def __init__(
        self,
        model: nn.Module,
        family: Family,
        method: Method,
        sites: list[AnySite],
        steps: StepSource,
        names: BranchNames,
        ledger: Ledger,
        inner: Inner,
        units: Sequence[Unit],
    ) -> None:
        self.model = model
        self.family = family
        self.method = method
        self.lookout = Lookout(method.scheduler)
        self.sites = sites
        self.groups = list(dict.fromkeys(site.group for site in sites))
        self.steps = steps
        self.branches = names
        self.generation = Generation(0)
        self.ledger = ledger
        self.inner = inner
        self.units = units
        self.doing: dict[BaseSite, Doing] = {}
        self.names = argument_names(entry_of(family, model))
        self.attentions = {
            site.spec.module: site for site in sites if isinstance(site, Site) and site.info.kind == "attn"
        }
        self.fitter = PlanFitter(method, ledger)
        self.recomputation = Recomputation(model, [site for site in sites if not isinstance(site, ModelSite)])
        self.inside = False
        self.layout = Layout(())
        self.generators: dict[str, torch.Generator] = {}
        self.counts = Counts(method, sites)
        self.wanted: list[Wanted] = []
        self.clocks: dict[torch.device, Time] = {}
        steps.join(self)

    def leave(self) -> None:
        """Leave no trace."""
        self.recomputation.detach()
        self.steps.leave(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy needs the steps too."""
        self.__dict__ |= state
        self.steps.join(self)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, entry: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Prepare every site for the call that is about to happen."""
        inference = torch.is_inference_mode_enabled()
        with torch.inference_mode(False):  # what is made here is written to in later calls, whatever their mode
            self._prepare_call(Arguments(self.names, args, kwargs), inference)
        self.recomputation.begin()
        doing: dict[BaseSite, Doing] = {site: site.doing for site in self.sites}
        if doing != self.doing:
            self.doing = doing
            for unit in self.units:
                unit.begin(doing)

    def _prepare_call(self, arguments: Arguments, inference: bool) -> None:
        position = self.steps.next_call(self, self.branches.current)
        if position is None:
            self._reset(
                "the denoising step is not known: wrap each model call in tokred.step(index, steps), or draw with the "
                "pipeline that tokred was applied to or one whose scheduler is a deep copy of its scheduler"
            )
            return
        self.inner.follow()
        if self.steps.current is not self.generation:
            self._enter(self.steps.current)
        self.ledger.enter(self.generation)  # another model's call may have been of another
        pictures = _pictures(arguments[self.family.picture])
        self.lookout.look(position, pictures, self.generation.sights.setdefault(self, Sight()))
        call = replace(self._call(position, arguments, pictures), inference=inference)
        self.ledger.begin_call(position)
        if position.guessed and self.method.remembers:
            self.ledger.notes["the sampler does not say how much noise there is: taken to fall evenly"] = None
        self._note_pmr(position)
        matches = tuple(match for match in self.ledger.matches if match.step < position.step)
        self.wanted.clear()
        self.counts.begin(arguments[self.family.picture])
        for site in self.sites:
            if isinstance(site, StreamSite):
                site.stream.open = not self.inside
            plan = self.lookout.plan(position, site.info_in(call.layout), matches)
            if plan.counted:
                plan = self.counts.counted(plan, call, self._state)
            self._prepare(site, call, plan)
            if isinstance(site, StreamSite) and site.reducing:
                call = replace(call, layout=call.layout.without(site.state.match.removed))
        if self.wanted:
            draw_all(self.wanted, self._generator(position.branch), call.device)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def before(self, model: nn.Module, args: Any) -> None:
        """Note that the model's own forward runs, rather than something that wants its blocks' outputs."""
        if is_recomputing():
            raise UnsupportedModel(
                f"A whole {type(model).__name__} is computed again in a backward pass, where its steps are over. Use "
                "the model's own gradient checkpointing, which computes blocks again, or call tokred.remove(model)."
            )
        self.inside = True

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def left(self, model: nn.Module, args: Any, output: Any) -> None:
        """Note that it has ended, be it by an error."""
        self.inside = False
        for site in self.sites:
            site.call_ended()

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def after(self, model: nn.Module, args: Any, output: Any) -> None:
        """Have the model's output remembered; take back what was noted of sites that the call has left out."""
        self.recomputation.end(output)
        for site in self.sites:
            if isinstance(site, ModelSite):
                self._look_back(site, output)
                site.observe(output)
            site.state.match.call_ended()
        self._note_kept()
        skipped = any(isinstance(site, ModelSite) and site.skipping for site in self.sites)
        left_out = [site for site in self.sites if not (site.called or skipped)]
        self.ledger.take_back({record.name for site in left_out for record in site.records})

    def _look_back(self, site: ModelSite, output: Any) -> None:
        """Note that the model was computed, and how far its forecast was off, for a scheduler that watches that."""
        if site.skipping or self.ledger.position is None:
            return
        self.lookout.note_computed(self.ledger.position.step)
        if "miss" in self.lookout.watches and site.remembers:
            self.lookout.note_miss(site.recall(), output)

    def _enter(self, generation: Generation) -> None:
        """Go on with a generation: put in place what it remembers, nothing at its first call."""
        if self not in generation.generators:
            refuse_parallel(self.model, self.method)
            self._refuse_caches_inside()
        self._install(generation)
        for site in self.sites:
            site.prepare_dense()

    def _install(self, generation: Generation) -> None:
        self.generation = generation
        self.generators = generation.generators.setdefault(self, {})
        self.ledger.enter(generation)
        for site in self.sites:
            site.states = generation.states.setdefault(site, {})
            site.group.states = generation.correspondences.setdefault(site.group, {})

    def _call(self, position: Position, arguments: Arguments, pictures: Sequence[torch.Tensor]) -> ModelCall:
        """Work out what the model is called with."""
        first = pictures[0]
        shape = tuple(p.shape for p in pictures) if len(pictures) > 1 else tuple(first.shape)
        batch = len(first) if arguments[self.family.picture] is first else len(pictures)
        layout, time = self._layout(arguments), self._time(position, first)
        if layout == self.layout:
            layout = self.layout  # what is made for a layout is looked up by it, at once where it is the same object
        self.layout = layout
        return ModelCall(position, layout, layout, shape, batch, first.dtype, first.device, time)

    def _layout(self, arguments: Arguments) -> Layout:
        """Read the layout; of a call that is only made or skipped, as far as it can be read."""
        try:
            return layout_of(self.family, self.model, arguments)
        except UnsupportedModel:
            if self.method.skips_model_only:
                return Layout(())
            raise

    def _prepare(self, site: AnySite, whole: ModelCall, plan: Plan) -> None:
        call = whole
        if site.spec.scale != 1:
            call = replace(whole, layout=site.spec.layout(whole.layout), whole=site.spec.layout(whole.whole))
        states = self._states(site, call)
        state = states[0] if len(states) == 1 else shared_state(states, call.shape)
        match = state.match
        plan = self.fitter.fit(plan, state, site.spec.kind)
        phase, skips = plan.phase, plan.skips
        if plan is not DENSE and not skips:
            self._join(site, match, call, plan)
        match.enter(whole.inference)
        makes = phase.matches and not match.use.made
        if makes:
            self._prepare_match(site.group, match, call, plan)
        elif phase is Phase.ORACLE:
            plan = replace(plan, phase=Phase.MATCH_REDUCE)  # it need not run for its signal
        for each in states:
            each.matched |= phase.matches
            each.seen += not phase.reduces
        site.prepare(plan, state, call.time, makes)
        if site.spec.kind == "model" and len(self.method.sites) > 1:
            return  # what it skips is noted at the sites in it
        removed = call.layout.image if skips else match.removed if phase.reduces else 0
        self._record(site, state, call, plan, removed)

    def _states(self, site: AnySite, call: ModelCall) -> list[SiteState]:
        """Return what a site remembers: of a model that is only called or skipped, for each branch in the batch."""
        parts = call.position.parts
        if not parts or not self.method.skips_model_only:
            return [self._state(site, call)]
        batch, left = divmod(call.batch, len(parts))
        if left and isinstance(call.shape[0], int):
            raise SpecError(f"{len(parts)} branches, {', '.join(parts)}, cannot share a batch of {call.batch} equally.")
        shape = (batch, *call.shape[1:])
        positions = [replace(call.position, branch=part, parts=()) for part in parts]
        calls = [replace(call, position=position, batch=batch, shape=shape) for position in positions]
        return [self._state(site, each) for each in calls]

    def _state(self, site: AnySite, call: ModelCall) -> SiteState:
        """Return what a site remembers in a branch; anew, where that was for another batch, layout or picture."""
        branch = call.position.branch
        state, match = site.states.get(branch), site.group.state(branch, call.batch, call.layout)
        if state is None or state.match is not match or state.shape != call.shape:
            state = site.states[branch] = self._new_state(site, call, match)
        return state

    def _new_state(self, site: AnySite, call: ModelCall, match: MatchState) -> SiteState:
        """Make what a site remembers in a generation and branch."""
        dtype = remembered_dtype(self.method.memory, call.dtype)
        specs = site.memory_specs(call.batch, call.layout)
        memories = {what: new_memory(spec, dtype, call.device) for what, spec in specs.items()}
        layout, context = call.layout, site.spec.context(call.layout)
        ruler = CallRuler(call.batch, layout.image, layout.prefix, context, call.device)
        state = SiteState(layout, match, ruler, context, shape=call.shape, memories=memories)
        if isinstance(site, ModelSite):
            grids = call.layout.grids
            grid = grids[0] if len(grids) == 1 else (call.layout.image, 1)  # several are rows already, or cannot be
            read = grid if self.method.follows_model else None
            state.returned = Returned(self.method.recovery_of_model, self.method.memory, read, self.family.axes)
        return state

    def _record(self, site: AnySite, state: SiteState, call: ModelCall, plan: Plan, removed: int) -> None:
        """Note what a site computes; of a block whose tokens get fewer inside it, each half."""
        position, whole, batch, keys, phase = call.position, call.whole, call.batch, self.method.attended, plan.phase
        gone = whole.image - call.layout.image
        before = Phase.REDUCE if gone else Phase.DENSE
        if isinstance(site, StreamSite):
            context = site.attention.context(whole)
            self.ledger.record(SiteCall(position, site.before, whole, before, batch, gone, keys, context))
        done = before if phase is Phase.DENSE else phase
        unasked = self._unasked(site) if site.spec.kind == "kv" else 0
        removed += gone
        self.ledger.record(
            SiteCall(position, site.record, whole, done, batch, removed, keys, state.context, plan.skips, unasked)
        )

    def _join(self, site: AnySite, match: MatchState, call: ModelCall, plan: Plan) -> None:
        """Have `site` use a match with those before it in this call; refuse it where it plans another."""
        planned = call.position, plan.ratio, plan.matcher
        if match.use.planned[0] is not call.position:
            match.use = Use(planned)
        if match.use.planned != planned:
            raise SpecError(
                f"share={self.method.share} has {', '.join(site.group.names[:3])} share one match, and "
                f"{self.method.scheduler} plans it differently for {site.spec.name} than for those before it. Plan one "
                "ratio and one matcher for all of them, or use share=0."
            )

    def _prepare_match(self, group: MatchGroup, state: MatchState, call: ModelCall, plan: Plan) -> None:
        """Make the match's random choices and, before the first, the matcher's memory."""
        removed, matcher = round(plan.ratio * call.layout.image), plan.matcher or self.method.matcher
        state.redrawn = plan.redraw or removed != state.removed or plan.matcher != state.matcher
        if state.redrawn:
            self.wanted.append(Wanted(state, matcher, call.layout, removed))
        if not state.removed:
            shapes = matcher.state_spec((group.rows(call.batch), call.layout.image))
            state.memory = lasting({name: torch.zeros(shape, device=call.device) for name, shape in shapes.items()})
        if removed != state.removed:
            state.ruler = Ruler(call.layout.image - removed, device=call.device)
        state.matcher, state.removed, state.use.made = plan.matcher, removed, True
        self.ledger.matched(call.position.step)

    def _unasked(self, site: AnySite) -> int:
        """Return how many image tokens have no query of their own in the attention whose keys a "kv" site reduces."""
        attention = self.attentions.get(site.spec.module)
        return attention.state.match.removed if attention is not None and attention.reducing else 0

    def _note_pmr(self, position: Position) -> None:
        """Read the pair match ratio of the last match, once it has run; the only time that the host waits for it."""
        last = self.ledger.matches[-1] if self.ledger.matches else None
        if last is None or last.step >= position.step or last.pmr is not None:
            return
        matches = [match for group in self.groups for match in group.states.values()]
        seen = [match.pmr for match in matches if match.pmr is not None]
        if seen:
            self.ledger.matches[-1] = replace(last, pmr=torch.stack(seen).mean().item())

    def _note_kept(self) -> None:
        """Note which tokens the middle one of the sites that matched in this call keeps of the first sample."""
        position, matches = self.ledger.position, self.ledger.matches
        if position is None or not matches or matches[-1].step != position.step or position.step in self.ledger.kept:
            return
        places = {site.spec.name: site.state.kept_places for site in self.sites if site.spec.kind != "model"}
        known = [(name, kept) for name, kept in places.items() if kept is not None]
        if known:
            name, kept = known[len(known) // 2]
            self.ledger.kept[position.step] = name, kept[:1].clone()

    def _time(self, position: Position, picture: torch.Tensor) -> Time:
        """Return the time on the device of `picture`: one for all calls, so that none waits for a copy.

        What `torch.func` transforms may not write to tensors from outside, and what it makes is gone afterwards.
        """
        if torch._C._functorch.peek_interpreter_stack() is not None:
            return Time.at(torch.full((), position.time, device=picture.device))
        if picture.device not in self.clocks:
            self.clocks[picture.device] = Time.at(torch.zeros((), device=picture.device))
        return self.clocks[picture.device].set(position.time)

    def _generator(self, branch: str) -> torch.Generator:
        """Return a branch's own generator: all branches draw alike, whichever others there are."""
        if branch not in self.generators:
            self.generators[branch] = torch.Generator().manual_seed(self.method.seed)
        return self.generators[branch]

    def _refuse_caches_inside(self) -> None:
        for site in self.sites:
            inside = () if site.spec.kind != "block" else list(site.spec.module.modules())[1:]
            if any(is_cached(module) for module in inside):
                raise ConflictError(
                    f"A cache is enabled inside {site.spec.name}, whose tokens are reduced as a whole, and "
                    "would use the outputs of other tokens. Call disable_cache(), and use a cache of whole blocks."
                )

    def _reset(self, why: str) -> None:
        self.ledger.position = None
        self.ledger.warn(f"nothing is reduced, {why}")
        self._install(Generation(0))
        for site in self.sites:
            site.prepare_dense()


def _pictures(given: Any) -> list[torch.Tensor]:
    """Return what the model is given to denoise as a list: of a batch one tensor, or one for each sample."""
    return list(given) if isinstance(given, (list, tuple)) else [given]
