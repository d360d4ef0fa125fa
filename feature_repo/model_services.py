"""A Feast feature service for each model version: exactly the features that version asks for."""

import json
from pathlib import Path

from feast import FeatureService, FeatureStore, OnDemandFeatureView


def model_service(view: OnDemandFeatureView, model: str, version: str, features: list[str]) -> FeatureService:
    """Return the service of one model version, named `<model>-v<version>`, with its features in its order.

    Raises:
        KeyError: The view has no feature of that name.
    """
    missing = sorted(set(features) - {each.name for each in view.features})
    if missing:
        raise KeyError(f"{model} {version} asks for features that the catalogue does not have: {', '.join(missing)}")
    return FeatureService(
        name=f"{model}-v{version}",
        features=[view[features]],
        description=f"What version {version} of {model} was trained on and is served with.",
        tags={"model": model, "version": version},
    )


def model_services(view: OnDemandFeatureView, bundles: Path) -> list[FeatureService]:
    """Return the services of all model versions that have a bundle, `<bundles>/<model>/<version>/manifest.json`.

    A bundle that asks for features which are no longer in the catalogue is no longer served either, and has none; nor
    has one that asks for no features, such as that of send hours.
    """
    known = {each.name for each in view.features}
    services = []
    for path in sorted(bundles.glob("*/*/manifest.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        features = [each["name"] for each in manifest.get("features", ())]
        if features and known.issuperset(features):
            services.append(model_service(view, manifest["name"], path.parent.name, features))
    return services


def apply_model_service(store: FeatureStore, model: str, version: str, features: list[str]) -> FeatureService:
    """Add the service of a new model version to the registry, and leave everything else there as it is."""
    service = model_service(store.get_on_demand_feature_view("user_features"), model, version, features)
    store.apply([service])
    return service
